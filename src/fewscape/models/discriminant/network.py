"""Linear discriminant analysis of foreground against background on a frozen pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F

from fewscape.backbones import BackboneConfig
from fewscape.core import Features, Output, Support
from fewscape.models.density_ratio import keep_cells, score_cells
from fewscape.models.turned import TurnedModel
from fewscape.ops import (
    Flips,
    Moments,
    as_rows,
    average_mask,
    fit_maps,
    join_moments,
    resize_maps,
    separate,
    sum_moments,
)

STRIDES = (4, 8, 16, 32)
"""All four levels; stride 4 helps with small objects."""

DENSITY_SHRINKAGE = 0.5
"""Shrinkage of the covariance that whitens the cells of the density ratio."""


class Discriminant(TurnedModel):
    """Linear discriminant between two normal distributions with a shared, shrunk covariance.

    The features of all levels, each of length one, form one vector; the covariance follows
    Friedman, Regularized Discriminant Analysis, JASA 1989, eq. 18. Supports are resampled to one
    grid for their moments. Queries are not: scores are linear, so each level is scored at its own
    resolution and the scores are upsampled, which equals upsampling the features.

    Nothing is trained. The moments of several shots are summed, as if they were one image. Without
    foreground everything is background, and vice versa.

    Args:
        backbone: any pyramid; its weights determine the quality.
        shrinkage: shrinkage of the covariance towards a sphere, above 0 and at most 1.
        mixed: add the log ratio of the densities (``DensityRatio``), times ``density_weight``.
        density_weight: weight of the densities in the mixture; both are log ratios.
        views: rotated and flipped copies of each support to learn from, ``d4`` for all eight;
            useful for a single shot.
        cell_stride: pixels per cell of the grid for moments; coarser levels are upsampled.
    """

    name: ClassVar[str] = "discriminant"
    needs_training = False

    def __init__(
        self,
        backbone: BackboneConfig | None = None,
        shrinkage: float = 0.7,
        mixed: bool = False,
        density_weight: float = 3.0,
        views: Flips = "none",
        cell_stride: int = 8,
    ) -> None:
        super().__init__()
        self.backbone = (backbone or BackboneConfig()).build(STRIDES)
        self.shrinkage = shrinkage
        self.mixed = mixed
        self.density_weight = density_weight
        self.views = views
        self.cell_stride = cell_stride
        self.stride = self.backbone.strides[0]
        self.window_multiple = self.backbone.strides[-1]

    def describe(self) -> dict[str, Any]:
        """Backbone and numbers."""
        return {
            "backbone": self.backbone.settings,
            "shrinkage": self.shrinkage,
            "mixed": self.mixed,
            "density_weight": self.density_weight,
            "views": self.views,
            "cell_stride": self.cell_stride,
        }

    def enhance(self, raw: Features) -> Features:
        """Normalise the maps' vectors to length one."""
        return Features(tuple(F.normalize(level.float(), dim=1) for level in raw.maps), raw.size)

    def learn(self, features: Features, masks: torch.Tensor) -> Support:
        """``counts`` (B, 2), ``sums`` (B, 2, C) and ``squares`` (B, 2, C, C) over all levels.

        Foreground comes before background. If mixed, also the cells of ``keep_cells``.
        """
        views = self.turn_support(features, masks)
        moments = join_moments([self._sum_moments(*view) for view in views])
        tensors = moments._asdict()
        if self.mixed:
            tensors |= keep_cells(views, self.cell_stride)
        return Support(tensors)

    def _sum_moments(self, features: Features, masks: torch.Tensor) -> Moments:
        height, width = (max(1, side // self.cell_stride) for side in features.size)
        stack = torch.cat([fit_maps(level, (height, width)) for level in features.maps], dim=1)
        shares = average_mask(masks, (height, width))
        weights = torch.stack([side.flatten(1) for side in shares], dim=2)  # (B, N, 2)
        return sum_moments(as_rows(stack), weights)

    def predict(self, features: Features, supports: Sequence[Support]) -> Output:
        """Logits from the moments of all shots."""
        moments = join_moments(
            [Moments(each["counts"], each["sums"], each["squares"]) for each in supports]
        )
        weights, offsets = separate(moments, self.shrinkage)
        ratio = self._score_levels(features, weights) + offsets[:, None, None]
        if self.mixed:
            density = score_cells(features, supports, DENSITY_SHRINKAGE)
            ratio = ratio + self.density_weight * density
        return Output(torch.stack([-ratio, ratio], dim=1) / 2, features.size)

    def _score_levels(self, features: Features, weights: torch.Tensor) -> torch.Tensor:
        """Sum of the levels' linear scores at the finest resolution: (B, h, w)."""
        finest = (features.maps[0].shape[2], features.maps[0].shape[3])
        parts = torch.split(weights, [level.shape[1] for level in features.maps], dim=1)
        scores = [
            resize_maps((level * part[:, :, None, None]).sum(dim=1, keepdim=True), finest)
            for level, part in zip(features.maps, parts, strict=True)
        ]
        return torch.cat(scores, dim=1).sum(dim=1)
