"""HSNet: correlates the features of every block of query and support."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch

from fewscape.backbones import BackboneConfig
from fewscape.core import ConfigError, Features, Output, Support
from fewscape.models.base import FewShotModel, fuse_predictions
from fewscape.models.hsnet.config import VARIANTS, VariantName
from fewscape.models.hsnet.decoder import HypercorrelationDecoder
from fewscape.models.variants import choose_variant
from fewscape.ops import (
    as_rows,
    average_mask,
    correlate,
    resize_maps,
    sample_mask,
    share_scale,
    shrink_maps,
    support_scale,
)

STRIDES = (8, 16, 32)
"""Levels that are correlated."""
SIDE_OF_FINEST = 32
"""Cells per side at stride 8 of 256 pixel images, for which the squeeze blocks are built."""


class HSNet(FewShotModel):
    """Hypercorrelation squeeze network.

    Min, Kang and Cho, ICCV 2021: cosine similarities of the query with the masked support, one
    plane for every block of the backbone, form 4D tensors on three levels; centre-pivot
    convolutions squeeze the support side and mix the levels.

    ``variant="reference"`` gives the published network's logits for the same weights.
    ``variant="default"`` makes the choices that MGCL's default makes, see ``config``; one kernel
    fits its smaller support, so published weights fit the reference only.

    Args:
        backbone: a network of strides 8, 16 and 32 whose blocks are compared.
        variant: ``default`` or ``reference``.
    """

    name: ClassVar[str] = "hsnet"

    def __init__(
        self, backbone: BackboneConfig | None = None, variant: VariantName = "default"
    ) -> None:
        super().__init__()
        self.variant_name = variant
        self.variant = choose_variant(VARIANTS, variant, "HSNet")
        self.backbone = replace(backbone or BackboneConfig(), taps="blocks").build(STRIDES)
        if tuple(dict.fromkeys(self.backbone.strides)) != STRIDES:
            raise ConfigError(
                f"HSNet cannot use a backbone with strides {list(self.backbone.strides)}",
                f"it needs blocks of strides {list(STRIDES)}",
                "leave the setting 'strides' out",
            )
        self.decoder = HypercorrelationDecoder(
            [self.backbone.strides.count(stride) for stride in STRIDES],
            self.variant.align_corners,
            (self.variant.support_side or SIDE_OF_FINEST, 16, 8),
        )
        self.stride = 1 if self.variant.full_logits else STRIDES[0] // 2
        self.window_multiple = STRIDES[-1]

    def describe(self) -> dict[str, Any]:
        """Backbone and variant."""
        return {"backbone": self.backbone.settings, "variant": self.variant_name}

    def enhance(self, raw: Features) -> Features:
        """The unchanged maps of all blocks."""
        return Features(raw.maps, raw.size)

    def learn(self, features: Features, masks: torch.Tensor) -> Support:
        """``block0``, ...: (B, C, Hs, Ws) vectors of the foreground, of length one or shorter."""
        return Support(
            {
                f"block{index}": self._mask_vectors(grid, masks, stride)
                for index, (grid, stride) in enumerate(
                    zip(features.maps, self.backbone.strides, strict=True)
                )
            }
        )

    def predict(self, features: Features, supports: Sequence[Support]) -> Output:
        """Logits of the queries, the shots fused by the variant's rule."""
        return fuse_predictions(self.predict_shot, features, supports, self.variant.shot_fusion)

    def predict_shot(self, features: Features, support: Support) -> Output:
        """Hypercorrelation, then the decoder."""
        pairs = [self._correlate(features, support, stride) for stride in STRIDES]
        logits, query = self.decoder(pairs)
        if self.variant.full_logits:
            logits = resize_maps(logits, features.size, align_corners=True)
        nearest = pairs[0].amax(dim=(3, 4)).mean(dim=3)[:, None]
        return Output(logits, features.size, {"correlation": nearest, "decoded": query})

    def _mask_vectors(self, grid: torch.Tensor, masks: torch.Tensor, stride: int) -> torch.Tensor:
        """Support vectors scaled so that a product with a unit vector is the masked cosine.

        Only zero vectors of the background and, in the default, shares of border cells are shorter
        than one.
        """
        if self.variant.support_side is not None:
            sides = dict(zip(STRIDES, (self.variant.support_side, 16, 8), strict=True))
            grid = shrink_maps(grid, sides[stride])
        by_area = self.variant.mask_sampling == "area"
        size = (grid.shape[2], grid.shape[3])
        share, _ = average_mask(masks, size) if by_area else sample_mask(masks, size)
        norms = torch.linalg.vector_norm(grid.float(), dim=1)  # (B, Hs, Ws)
        scale = share_scale(norms, share) if by_area else support_scale(norms, share)
        return (grid * scale[:, None]).to(grid.dtype)

    def _correlate(self, features: Features, support: Support, stride: int) -> torch.Tensor:
        """(B, Hq, Wq, Hs, Ws, planes): clamped cosines of all blocks of one stride."""
        blocks = [index for index, own in enumerate(self.backbone.strides) if own == stride]
        query, other = features.maps[blocks[0]], support[f"block{blocks[0]}"]
        planes = [
            correlate(as_rows(features.maps[index]), as_rows(support[f"block{index}"])).relu()
            for index in blocks
        ]
        shape = (query.shape[0], *query.shape[2:], *other.shape[2:], len(blocks))
        return torch.stack(planes, dim=-1).view(shape)
