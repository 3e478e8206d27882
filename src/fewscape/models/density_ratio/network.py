"""Kernel densities of foreground and background over all annotated cells of a frozen backbone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F

from fewscape.backbones import BackboneConfig
from fewscape.core import Features, Output, Support
from fewscape.models.density_ratio.cells import keep_cells, score_cells
from fewscape.models.turned import TurnedModel
from fewscape.ops import Flips

STRIDES = (4, 8, 16, 32)
"""All four levels; stride 4 helps with small objects."""


class DensityRatio(TurnedModel):
    """Assigns each position to the class whose cells are denser around it.

    Like FROST (Park 2026, arXiv 2606.31136), on every level of a pyramid: all annotated cells are
    whitened by the within-class covariance, each carries a von Mises-Fisher kernel, and the ratio
    of the two densities decides; its logarithms are upsampled to the finest level and averaged.
    Leave-one-out chooses the kernel's reach. Differences from FROST: a pyramid instead of one map
    of a transformer, soft shares of cells on borders, a logistic loss instead of a margin (with
    which the narrowest kernel always wins), and no smoothing of the result.

    Nothing is trained. The cells of several shots are pooled. Without foreground everything is
    background, and vice versa.

    Args:
        backbone: any pyramid; its weights determine the quality.
        shrinkage: shrinkage of the covariance towards a sphere, above 0; 1 for no whitening.
        views: rotated and flipped copies of each support to learn from, ``d4`` for all eight;
            useful for a single shot.
        cell_stride: minimum pixels per annotated cell; finer levels are averaged.
    """

    name: ClassVar[str] = "density_ratio"
    needs_training = False

    def __init__(
        self,
        backbone: BackboneConfig | None = None,
        shrinkage: float = 0.5,
        views: Flips = "none",
        cell_stride: int = 8,
    ) -> None:
        super().__init__()
        self.backbone = (backbone or BackboneConfig()).build(STRIDES)
        self.shrinkage = shrinkage
        self.views = views
        self.cell_stride = cell_stride
        self.stride = self.backbone.strides[0]
        self.window_multiple = self.backbone.strides[-1]

    def describe(self) -> dict[str, Any]:
        """Backbone and numbers."""
        return {
            "backbone": self.backbone.settings,
            "shrinkage": self.shrinkage,
            "views": self.views,
            "cell_stride": self.cell_stride,
        }

    def enhance(self, raw: Features) -> Features:
        """Normalise the maps' vectors to length one."""
        return Features(tuple(F.normalize(level.float(), dim=1) for level in raw.maps), raw.size)

    def learn(self, features: Features, masks: torch.Tensor) -> Support:
        """All cells and their shares, see ``keep_cells``."""
        return Support(keep_cells(self.turn_support(features, masks), self.cell_stride))

    def predict(self, features: Features, supports: Sequence[Support]) -> Output:
        """Logits from the densities over the cells of all shots."""
        ratio = score_cells(features, supports, self.shrinkage)
        return Output(torch.stack([-ratio, ratio], dim=1) / 2, features.size)
