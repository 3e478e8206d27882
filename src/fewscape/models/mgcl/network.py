"""MGCL in the form in which every product is taken once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F

from fewscape.backbones import BackboneConfig
from fewscape.core import ConfigError, Features, Output, Support, suggest
from fewscape.layers import PyramidProjection
from fewscape.models.base import FewShotModel
from fewscape.models.mgcl.config import VARIANTS, VariantName
from fewscape.models.mgcl.decoder import MaskGuidedDecoder
from fewscape.ops import (
    average_mask,
    correlate_regions,
    paint_regions,
    pool_regions,
    resize_maps,
    sample_nearest,
    support_scale,
)
from fewscape.ops.correlation import EPSILON, joined_norms

LEVELS = range(3)
SIDE_OF_FINEST = 32
"""Cells a side at stride 8 of the 256 pixel images that the paper uses."""
DEFAULT_REGIONS = {"num_segments": 100}


class MGCL(FewShotModel):
    """Mask-guided correlation learning.

    Li et al., IEEE TGRS 62, 2024, doi 10.1109/TGRS.2024.3417965.

    Region means enrich the features (MGFE), cosine similarities with the foreground and the
    background of the support form 4D tensors on three levels (FBC), and a centre-pivot network
    squeezes them to logits, guided by the query's regions (MGCD).

    ``variant="reference"`` gives the published network's logits for the same weights.
    ``variant="default"`` takes masks by area instead of point samples, regions at the cells'
    centres instead of their corners and half-pixel grids everywhere, so that features, masks and
    regions speak of the same ground; it leaves the logits at stride 4 and averages the logits of
    several shots instead of counting votes. It also starts from the cosines to the prototypes of
    foreground and background and learns to correct them, which costs 3,459 parameters: published
    weights fit the reference only.

    Args:
        backbone: a pyramid of strides 8, 16 and 32.
        variant: ``default`` or ``reference``, see ``config``.
        num_regions: regions used of each image, the largest first; the paper keeps 128.
        region_method: over-segmentation, a name of ``regions``; the paper takes SAM.
        region_options: its parameters.
        projection: channels that the head learns to add to each level of a frozen backbone, see
            ``PyramidProjection``; 0 for none, as published.
    """

    name: ClassVar[str] = "mgcl"

    def __init__(
        self,
        backbone: BackboneConfig | None = None,
        variant: VariantName = "default",
        num_regions: int = 128,
        region_method: str | None = "slic",
        region_options: Mapping[str, Any] | None = None,
        projection: int = 0,
    ) -> None:
        super().__init__()
        if variant not in VARIANTS:
            raise ConfigError(f"MGCL has no variant '{variant}'", suggest(variant, VARIANTS))
        self.backbone = (backbone or BackboneConfig()).build()
        self.variant_name = variant
        self.variant = VARIANTS[variant]
        self.num_regions = num_regions
        self.region_method = region_method
        self.region_options = dict(DEFAULT_REGIONS if region_options is None else region_options)
        self.projection = (
            PyramidProjection(self.backbone.channels, projection) if projection else None
        )
        self.num_projected = projection
        self._support_sides = (self.variant.support_side, 16, 8)
        self.decoder = MaskGuidedDecoder(
            align_corners=self.variant.align_corners,
            support_sides=self._support_sides,
            num_priors=len(LEVELS) if self.variant.prior else 0,
        )
        self.shot_fusion = self.variant.shot_fusion
        self.stride = 1 if self.variant.full_logits else self.backbone.strides[0] // 2
        self.window_multiple = self.backbone.strides[-1]

    def describe(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "backbone": self.backbone.settings,
            "variant": self.variant_name,
            "num_regions": self.num_regions,
            "region_method": self.region_method,
            "region_options": self.region_options,
            "projection": self.num_projected,
        }

    def enhance(
        self,
        maps: tuple[torch.Tensor, ...],
        size: tuple[int, int],
        regions: torch.Tensor | None,
    ) -> Features:
        """MGFE: ``means0..2`` (B, M, C) and ``regions0..2`` (B, N) beside the maps."""
        extra = {}
        if self.projection is not None:
            maps = self.projection(maps)
        for level, grid in enumerate(maps):
            cells = self._cell_regions(regions, grid)
            extra[f"regions{level}"] = cells
            extra[f"means{level}"] = pool_regions(_rows(grid), cells, self.num_regions).to(
                grid.dtype
            )
        return Features(maps, size, regions, extra)

    def learn(self, features: Features, masks: torch.Tensor) -> Support:
        """Per level the vectors, region means, regions, and both scales of the positions."""
        tensors = {}
        for level in LEVELS:
            grid = self._thin(features.maps[level], self._support_sides[level])
            means = features.extra[f"means{level}"]
            cells = self._cell_regions(features.regions, grid)
            norms = joined_norms(_rows(grid), means, cells)
            shares = self._mask_shares(masks, (grid.shape[2], grid.shape[3]))
            scales = [support_scale(norms, share.flatten(1)) for share in shares]
            tensors[f"grid{level}"] = grid
            tensors[f"means{level}"] = means
            tensors[f"regions{level}"] = cells
            tensors[f"scales{level}"] = torch.stack(scales, dim=2)  # (B, N, 2)
            if self.variant.prior:
                tensors[f"prototypes{level}"] = torch.stack(
                    [_prototype_weights(_rows(grid), means, cells, share) for share in shares],
                    dim=2,
                )  # (B, N, 2)
        return Support(tensors)

    def predict_shot(self, features: Features, support: Support) -> Output:
        """FBC, then MGCD."""
        levels = [self._correlate(features, support, level) for level in LEVELS]
        pairs = [pair for pair, _ in levels]
        priors = [prior for _, prior in levels if prior is not None]
        cells = None if features.regions is None else features.extra["regions0"]
        logits, query = self.decoder(pairs, priors, cells, self.num_regions)
        if self.variant.full_logits:
            logits = resize_maps(logits, features.size, align_corners=True)
        maps = {"correlation": pairs[0][..., 0].amax(dim=(3, 4))[:, None], "decoded": query}
        if priors:
            maps["prior"] = priors[0]
        return Output(logits, features.size, maps)

    def _correlate(
        self, features: Features, support: Support, level: int
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Clamped cosines with the support's foreground and background, and the level's prior.

        Returns:
            (B, Hq, Wq, Hs, Ws, 2), and (B, 2, Hq, Wq) or None.
        """
        query, other = features.maps[level], support[f"grid{level}"]
        dots = correlate_regions(
            _rows(query),
            _rows(other),
            features.extra[f"means{level}"],
            support[f"means{level}"],
            features.extra[f"regions{level}"],
            support[f"regions{level}"],
        )
        prior = None
        if self.variant.prior:
            cosines = torch.matmul(dots, support[f"prototypes{level}"])  # (B, N_query, 2)
            prior = cosines.transpose(1, 2).reshape(-1, 2, *query.shape[2:]).to(query.dtype)
        pairs = dots.relu()[..., None] * support[f"scales{level}"][:, None]
        shape = (query.shape[0], *query.shape[2:], *other.shape[2:], 2)
        return pairs.to(query.dtype).view(shape), prior

    def _cell_regions(self, regions: torch.Tensor | None, grid: torch.Tensor) -> torch.Tensor:
        """(B, N) region of each cell; none where there is no region map."""
        size = (grid.shape[2], grid.shape[3])
        if regions is None:
            return torch.full((grid.shape[0], size[0] * size[1]), -1, device=grid.device)
        return sample_nearest(regions, size, self.variant.region_anchor).flatten(1)

    def _thin(self, grid: torch.Tensor, most: int) -> torch.Tensor:
        """The support's map, averaged down to at most so many cells a side.

        The squeeze blocks then end at one support position for windows of any size.
        """
        if self.variant.support_side >= SIDE_OF_FINEST:
            return grid
        height, width = (min(side, most) for side in grid.shape[2:])
        return F.adaptive_avg_pool2d(grid, (height, width))

    def _mask_shares(
        self, masks: torch.Tensor, size: tuple[int, int]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights of foreground and background, each (B, *size)."""
        if self.variant.mask_sampling == "area":
            return average_mask(masks, size)
        both = torch.stack([masks == 1, masks == 0], dim=1).float()
        sampled = resize_maps(both, size, align_corners=True)
        return sampled[:, 0], sampled[:, 1]


def _prototype_weights(
    rows: torch.Tensor, means: torch.Tensor, cells: torch.Tensor, share: torch.Tensor
) -> torch.Tensor:
    """(B, N) weights whose product with a query's dot products is the cosine to the prototype.

    The prototype is the weighted sum of the joined vectors, scaled to length one; a dot product
    with a sum is the sum of the dot products.
    """
    joined = torch.cat([rows, paint_regions(means, cells)], dim=2).float()
    weights = share.flatten(1)
    lengths: torch.Tensor = torch.linalg.vector_norm(
        torch.einsum("bn,bnc->bc", weights, joined), dim=1
    )
    return weights / (lengths + EPSILON)[:, None]


def _rows(grid: torch.Tensor) -> torch.Tensor:
    """(B, C, H, W) to (B, N, C); a view where the memory is channels-last."""
    return grid.flatten(2).transpose(1, 2)
