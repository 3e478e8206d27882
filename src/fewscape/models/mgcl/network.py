"""MGCL with every product computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch

from fewscape.backbones import BackboneConfig
from fewscape.core import ConfigError, Features, Output, Support
from fewscape.layers import PyramidProjection
from fewscape.models.base import FewShotModel, fuse_predictions
from fewscape.models.mgcl.config import VARIANTS, VariantName
from fewscape.models.mgcl.decoder import MaskGuidedDecoder
from fewscape.models.mgcl.prior import learn_prototypes, prototype_cosines
from fewscape.models.variants import choose_variant
from fewscape.ops import (
    as_rows,
    average_mask,
    correlate_regions,
    joined_norms,
    pool_regions,
    resize_maps,
    sample_mask,
    sample_nearest,
    share_scale,
    shrink_maps,
    support_scale,
)

STRIDES = (8, 16, 32)
"""Levels that are correlated."""
PRIOR_STRIDES = (4, *STRIDES)
"""Levels compared with prototypes; stride 4 resolves small objects and sharp borders."""
SIDE_OF_FINEST = 32
"""Cells per side at stride 8 of the paper's 256 pixel images."""
DEFAULT_REGIONS = {"num_segments": 100}


class MGCL(FewShotModel):
    """Mask-guided correlation learning.

    Li et al., IEEE TGRS 62, 2024, doi 10.1109/TGRS.2024.3417965.

    Region means enrich the features (MGFE), cosine similarities with the foreground and the
    background of the support form 4D tensors on three levels (FBC), and a centre-pivot network
    squeezes them to logits, guided by the query's regions (MGCD).

    ``variant="reference"`` gives the published network's logits for the same weights.
    ``variant="default"`` uses masks by area instead of point samples, regions at the cells' centres
    instead of their corners and half-pixel grids everywhere, so that features, masks and regions
    are aligned; it keeps the logits at stride 4 and averages the logits of several shots instead of
    counting votes. It also starts from the cosines to the prototypes of foreground and background
    and learns to correct them: published weights fit the reference only.

    Args:
        backbone: a pyramid of strides 8, 16 and 32 (reference) or 4, 8, 16 and 32 (default).
        variant: ``default`` or ``reference``, see ``config``.
        num_regions: regions per image, largest first; the paper keeps 128.
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
        self.variant_name = variant
        self.variant = choose_variant(VARIANTS, variant, "MGCL")
        strides = PRIOR_STRIDES if self.variant.prior else STRIDES
        self.backbone = (backbone or BackboneConfig()).build(strides)
        if self.backbone.strides != strides:
            raise ConfigError(
                f"MGCL cannot use a backbone with strides {list(self.backbone.strides)}",
                f"its variant '{variant}' needs {list(strides)}",
                "leave the setting 'strides' out",
            )
        self.num_regions = num_regions
        self.region_method = region_method
        self.region_options = dict(DEFAULT_REGIONS if region_options is None else region_options)
        self.projection = (
            PyramidProjection(self.backbone.channels, projection) if projection else None
        )
        self.num_projected = projection
        sides = (self.variant.support_side, 16, 8)
        self._support_sides = dict(zip(STRIDES, sides, strict=True))
        self.decoder = MaskGuidedDecoder(
            align_corners=self.variant.align_corners,
            support_sides=sides,
            num_priors=len(PRIOR_STRIDES) if self.variant.prior else 0,
        )
        self.stride = 1 if self.variant.full_logits else STRIDES[0] // 2
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

    def enhance(self, raw: Features) -> Features:
        """MGFE: adds ``means8`` (B, M, C) and ``regions8`` (B, N) for each stride to the maps."""
        extra = {}
        maps = raw.maps if self.projection is None else self.projection(raw.maps)
        for stride, grid in zip(self.backbone.strides, maps, strict=True):
            cells = self._cell_regions(raw.regions, grid)
            extra[f"regions{stride}"] = cells
            extra[f"means{stride}"] = pool_regions(as_rows(grid), cells, self.num_regions).to(
                grid.dtype
            )
        return Features(maps, raw.size, raw.regions, extra)

    def learn(self, features: Features, masks: torch.Tensor) -> Support:
        """For each stride, the vectors, region means, regions and both scales of the positions.

        If the variant has a prior, also the prototypes of both sides.
        """
        tensors = {}
        for stride in STRIDES:
            grid = self._thin(self._level(features, stride), self._support_sides[stride])
            means = features.extra[f"means{stride}"]
            cells = self._cell_regions(features.regions, grid)
            norms = joined_norms(as_rows(grid), means, cells)
            scale = share_scale if self.variant.mask_sampling == "area" else support_scale
            scales = [
                scale(norms, share.flatten(1))
                for share in self._mask_shares(masks, (grid.shape[2], grid.shape[3]))
            ]
            tensors[f"grid{stride}"] = grid
            tensors[f"means{stride}"] = means
            tensors[f"regions{stride}"] = cells
            tensors[f"scales{stride}"] = torch.stack(scales, dim=2)  # (B, N, 2)
        for stride in PRIOR_STRIDES if self.variant.prior else ():
            grid = self._level(features, stride)
            shares = self._mask_shares(masks, (grid.shape[2], grid.shape[3]))
            tensors[f"prototypes{stride}"] = learn_prototypes(
                as_rows(grid),
                features.extra[f"means{stride}"],
                features.extra[f"regions{stride}"],
                torch.stack([share.flatten(1) for share in shares], dim=1),
            )
        return Support(tensors)

    def predict(self, features: Features, supports: Sequence[Support]) -> Output:
        """Logits of the queries, the shots fused by the variant's rule."""
        return fuse_predictions(self.predict_shot, features, supports, self.variant.shot_fusion)

    def predict_shot(self, features: Features, support: Support) -> Output:
        """FBC, then MGCD."""
        pairs = [self._correlate(features, support, stride) for stride in STRIDES]
        strides = PRIOR_STRIDES if self.variant.prior else ()
        priors = [self._compare(features, support, stride) for stride in strides]
        cells = None if features.regions is None else features.extra["regions8"]
        logits, query = self.decoder(pairs, priors, cells, self.num_regions)
        if self.variant.full_logits:
            logits = resize_maps(logits, features.size, align_corners=True)
        maps = {"correlation": pairs[0][..., 0].amax(dim=(3, 4))[:, None], "decoded": query}
        if priors:
            maps["prior"] = priors[0]
        return Output(logits, features.size, maps)

    def _level(self, features: Features, stride: int) -> torch.Tensor:
        return features.maps[self.backbone.strides.index(stride)]

    def _correlate(self, features: Features, support: Support, stride: int) -> torch.Tensor:
        """(B, Hq, Wq, Hs, Ws, 2): clamped cosines with the support's foreground and background."""
        query, other = self._level(features, stride), support[f"grid{stride}"]
        dots = correlate_regions(
            as_rows(query),
            as_rows(other),
            features.extra[f"means{stride}"],
            support[f"means{stride}"],
            features.extra[f"regions{stride}"],
            support[f"regions{stride}"],
        )
        pairs = dots.relu()[..., None] * support[f"scales{stride}"][:, None]
        shape = (query.shape[0], *query.shape[2:], *other.shape[2:], 2)
        return pairs.to(query.dtype).view(shape)

    def _compare(self, features: Features, support: Support, stride: int) -> torch.Tensor:
        """(B, 2, Hq, Wq): cosines with the prototypes of foreground and background."""
        query = self._level(features, stride)
        cosines = prototype_cosines(
            as_rows(query),
            features.extra[f"means{stride}"],
            features.extra[f"regions{stride}"],
            support[f"prototypes{stride}"],
        )
        return cosines.to(query.dtype).view(query.shape[0], 2, *query.shape[2:])

    def _cell_regions(self, regions: torch.Tensor | None, grid: torch.Tensor) -> torch.Tensor:
        """(B, N) region of each cell; -1 without a region map."""
        size = (grid.shape[2], grid.shape[3])
        if regions is None:
            return torch.full((grid.shape[0], size[0] * size[1]), -1, device=grid.device)
        return sample_nearest(regions, size, self.variant.region_anchor).flatten(1)

    def _thin(self, grid: torch.Tensor, most: int) -> torch.Tensor:
        """The support's map, averaged down to a maximum number of cells per side.

        The squeeze blocks then end at one support position for windows of any size.
        """
        if self.variant.support_side >= SIDE_OF_FINEST:
            return grid
        return shrink_maps(grid, most)

    def _mask_shares(
        self, masks: torch.Tensor, size: tuple[int, int]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights of foreground and background, each (B, *size)."""
        if self.variant.mask_sampling == "area":
            return average_mask(masks, size)
        return sample_mask(masks, size)
