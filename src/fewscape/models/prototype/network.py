"""Prototypes of foreground and background on several levels of a frozen backbone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F

from fewscape.backbones import BackboneConfig
from fewscape.core import Features, Output, Support
from fewscape.models.base import FewShotModel
from fewscape.ops import average_mask, compare_prototypes, pool_prototypes, resize_maps

STRIDES = (4, 8, 16, 32)
"""All four levels; stride 4 helps with small objects."""


class Prototype(FewShotModel):
    """Assigns each position to the nearer masked-average prototype (PANet, Wang et al. 2019).

    Cosine similarities are computed on every level, upsampled to the finest one and averaged.
    Nothing is trained. The prototypes of several shots are averaged, as in the paper; a support
    without foreground or background has a zero prototype with similarity zero.

    Args:
        backbone: any pyramid; its weights determine the quality.
        temperature: factor of the cosines, 20 in the paper; does not change the decision.
    """

    name: ClassVar[str] = "prototype"
    needs_training = False

    def __init__(self, backbone: BackboneConfig | None = None, temperature: float = 20.0) -> None:
        super().__init__()
        self.backbone = (backbone or BackboneConfig()).build(STRIDES)
        self.temperature = temperature
        self.stride = self.backbone.strides[0]
        self.window_multiple = self.backbone.strides[-1]

    def describe(self) -> dict[str, Any]:
        """Backbone and temperature."""
        return {"backbone": self.backbone.settings, "temperature": self.temperature}

    def enhance(self, raw: Features) -> Features:
        """Normalise the maps' vectors to length one."""
        return Features(tuple(F.normalize(level.float(), dim=1) for level in raw.maps), raw.size)

    def learn(self, features: Features, masks: torch.Tensor) -> Support:
        """For each level ``prototypes0`` (B, 2, C), ... of foreground and background."""
        tensors = {}
        for index, level in enumerate(features.maps):
            shares = average_mask(masks, (level.shape[2], level.shape[3]))
            tensors[f"prototypes{index}"] = pool_prototypes(level, shares)
        return Support(tensors)

    def predict(self, features: Features, supports: Sequence[Support]) -> Output:
        """Mean over the levels of the cosine to the mean prototypes, times the temperature."""
        prototypes = {
            name: F.normalize(torch.stack([support[name] for support in supports]).mean(0), dim=2)
            for name in supports[0].tensors
        }
        finest = (features.maps[0].shape[2], features.maps[0].shape[3])
        cosines = [
            resize_maps(compare_prototypes(level, prototypes[f"prototypes{index}"]), finest)
            for index, level in enumerate(features.maps)
        ]
        mean = torch.stack(cosines).mean(dim=0).flip(1)  # background, foreground
        return Output(mean * self.temperature, features.size, {"cosine": mean[:, 1:]})
