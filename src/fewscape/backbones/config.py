"""A backbone as plain settings, for recipes and model folders."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fewscape.backbones.factory import make_backbone
from fewscape.backbones.pyramid import Backbone, Taps, Training


@dataclass(frozen=True, slots=True)
class BackboneConfig:
    """The arguments of ``make_backbone``.

    Args:
        name: network, such as ``resnet50`` or a name of timm; by default the one in the weights'
            metadata.
        weights: None, a local file, ``hf-hub:owner/name`` or ``imagenet``.
        strides: wanted levels, fine to coarse; the network's default if not given.
        training_mode: what training changes.
        options: further arguments for timm.
        taps: one map per level, or the output of every block.
    """

    name: str | None = None
    weights: str | None = None
    strides: tuple[int, ...] | None = None
    training_mode: Training = "frozen"
    options: dict[str, Any] = field(default_factory=dict)
    taps: Taps = "stages"

    def build(self, preferred: tuple[int, ...] = (8, 16, 32)) -> Backbone:
        """Build the backbone with its weights; ``preferred`` are the default strides."""
        strides = self.strides or preferred
        return make_backbone(
            self.name, self.weights, strides, self.training_mode, self.options, self.taps
        )
