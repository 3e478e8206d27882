"""A supervised network as a ``Segmenter``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from fewscape.core import ConfigError, Policy
from fewscape.models import SemanticModel
from fewscape.ops import Flips, average_views, resize_maps, widen
from fewscape.raster.writing.palette import Colour
from fewscape.regions import MakeRegions

HEAT = "heat"
"""Prefix of the heatmaps among a network's auxiliary outputs; their number follows."""


@dataclass(frozen=True, slots=True)
class Views:
    """Test-time augmentation, see ``average_views``."""

    flips: Flips = "none"
    scales: tuple[float, ...] = (1.0,)


class SemanticSegmenter:
    """A supervised network; every pixel gets the most probable class.

    Args:
        model: the network; it is moved to the policy's device and precision.
        class_names: the classes, starting with class 0.
        policy: where and in which precision to run.
        window: window side, pixels.
        views: test-time augmentation.
        colours: colours of the classes; the default ones if not given.
        heatmaps: also output a heatmap in [0, 1] per class, from the last layer of BiCoR-Seg.

    Raises:
        ConfigError: the window does not fit the network, or it has no heatmaps.
    """

    halo = 0
    threshold = 0.0
    make_regions: MakeRegions | None = None

    def __init__(
        self,
        model: SemanticModel,
        class_names: Sequence[str],
        policy: Policy,
        window: int,
        views: Views | None = None,
        heatmaps: bool = False,
        colours: Sequence[Colour] | None = None,
    ) -> None:
        self.class_names = tuple(class_names)
        self.colours = colours
        self.policy = policy
        self.window = window
        self.window_multiple = model.window_multiple
        self.stride = model.stride
        self.views = views or Views()
        self.layer_names = tuple(f"{HEAT}_{name}" for name in class_names) if heatmaps else ()
        if window % self.window_multiple:
            raise ConfigError(
                f"windows of {window} pixels do not fit {model.name}",
                f"the side must be a multiple of {self.window_multiple}",
                "choose another with --window",
            )
        if heatmaps and not getattr(model, "num_heats", 0):
            raise ConfigError(f"{model.name} has no heatmaps", "", "leave out --heatmaps")
        self.model = model.eval().to(policy.device, policy.dtype)
        self.model.to(memory_format=policy.memory_format)

    @torch.inference_mode()
    def __call__(self, windows: torch.Tensor, regions: torch.Tensor | None = None) -> torch.Tensor:
        """(B, K, H / stride, W / stride) float32; (B, 2 K, ...) with heatmaps."""
        del regions
        moved = windows.to(self.policy.device, non_blocking=True)
        views = self.views
        scores = average_views(self._score, moved, views.flips, views.scales, self.window_multiple)
        count = len(self.class_names)
        return torch.cat([scores[:, :count].softmax(dim=1), scores[:, count:].sigmoid()], dim=1)

    def _score(self, windows: torch.Tensor) -> torch.Tensor:
        output = self.model(windows)
        logits = widen(output.logits)
        if not self.layer_names:
            return logits
        heat = widen(output.maps[f"{HEAT}{self.model.num_heats}"])
        size = (logits.shape[2], logits.shape[3])
        return torch.cat([logits, resize_maps(heat, size)], dim=1)
