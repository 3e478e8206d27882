"""PFENet: a prior from the deepest features guides the enrichment of the middle ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from fewscape.backbones import BackboneConfig, ResNetBackbone
from fewscape.core import ConfigError, Episode, Features, Output, Support
from fewscape.layers import ConvStack, PyramidReduction, SegmentationHead
from fewscape.losses import share_cross_entropy
from fewscape.models.base import FewShotModel
from fewscape.models.pfenet.config import VARIANTS, VariantName
from fewscape.models.pfenet.enrichment import DIVISORS, FeatureEnrichment
from fewscape.models.variants import choose_variant
from fewscape.ops import (
    as_rows,
    average_mask,
    max_cosine_prior,
    pool_masked,
    resize_maps,
    sample_mask,
)

STRIDES = (8, 16, 32)
"""Levels, by their strides without dilation: two in the middle and the deepest."""


class PFENet(FewShotModel):
    """Prior guided feature enrichment network.

    Tian et al., IEEE TPAMI 44(2), 2022, doi 10.1109/TPAMI.2020.3013717.

    The largest cosine of each query position with the support's object, in the deepest level,
    is a prior map. Query features of the two middle levels, the support's mean vector and the
    prior are merged on four scales (FEM), each with its own supervision. Vectors and priors of
    several shots are averaged.

    ``variant="reference"`` with the backbone ``resnet50_dilated`` gives the published network's
    logits for the same weights. ``variant="default"`` serves any backbone and makes the choices
    in ``config``.

    Args:
        backbone: a pyramid of strides 8, 16 and 32, dilated or not; coarser levels are upsampled to
            the finest.
        variant: ``default`` or ``reference``.
        width: channels of the decoder; the paper takes 256.
    """

    name: ClassVar[str] = "pfenet"

    def __init__(
        self,
        backbone: BackboneConfig | None = None,
        variant: VariantName = "default",
        width: int = 256,
    ) -> None:
        super().__init__()
        self.variant_name = variant
        self.variant = choose_variant(VARIANTS, variant, "PFENet")
        self.width = width
        self.backbone = (backbone or BackboneConfig()).build(STRIDES)
        self._check_backbone()
        align_corners = self.variant.align_corners
        middle = self.backbone.channels[:2]
        self.reduce_query = PyramidReduction(middle, width, align_corners=align_corners)
        self.reduce_support = PyramidReduction(middle, width, align_corners=align_corners)
        self.enrichment = FeatureEnrichment(width, align_corners)
        self.join = nn.Conv2d(len(DIVISORS) * width, width, 1, bias=False)
        self.refine = ConvStack((width, width, width), last_activation=True, bias=False)
        self.head = SegmentationHead(width)
        self.stride = 1 if self.variant.full_logits else self.backbone.strides[0]
        self.window_multiple = max(self.backbone.strides)

    def _check_backbone(self) -> None:
        if tuple(self.backbone.settings["strides"]) != STRIDES or len(self.backbone.strides) != 3:
            raise ConfigError(
                f"PFENet cannot use a backbone with strides {list(self.backbone.strides)}",
                f"it needs one map of each of the strides {list(STRIDES)}",
                "leave the settings 'strides' and 'taps' out",
            )
        if self.variant.masked_last_stage and not isinstance(self.backbone, ResNetBackbone):
            raise ConfigError(
                f"PFENet's variant '{self.variant_name}' cannot use the backbone "
                f"'{self.backbone.settings['name']}'",
                "it masks the support before the last stage of a ResNet",
                "use 'resnet50_dilated' or 'resnet50', or the variant 'default'",
            )

    def describe(self) -> dict[str, Any]:
        """Backbone, variant and width."""
        return {
            "backbone": self.backbone.settings,
            "variant": self.variant_name,
            "width": self.width,
        }

    def enhance(self, raw: Features) -> Features:
        """The three levels unchanged."""
        return Features(raw.maps, raw.size)

    def learn(self, features: Features, masks: torch.Tensor) -> Support:
        """``prototype`` (B, width), ``deep`` (B, C, h, w) and ``share`` (B, h, w)."""
        middle = self.reduce_support(features.maps[:2])
        share = self._mask_share(masks, middle)
        prototype = pool_masked(middle, share, self.variant.area_smoothing).to(middle.dtype)
        with torch.no_grad():
            deep = self._run_deep(features, masks)
        return Support(
            {"prototype": prototype, "deep": deep, "share": self._mask_share(masks, deep)}
        )

    def predict(self, features: Features, supports: Sequence[Support]) -> Output:
        """Logits for the mean prototype and the mean prior of all shots."""
        query = self.reduce_query(features.maps[:2])
        prior = torch.stack([self._compare(features, support) for support in supports]).mean(0)
        prototype = torch.stack([support["prototype"] for support in supports]).mean(0)
        enriched, auxiliary = self.enrichment(query, prototype, prior)
        joined = F.relu(self.join(enriched))
        logits = self.head(joined + self.refine(joined))
        if self.variant.full_logits:
            logits = resize_maps(logits, features.size, self.variant.align_corners)
        return Output(logits, features.size, {"prior": prior, **auxiliary})

    def auxiliary_losses(self, output: Output, episode: Episode) -> dict[str, torch.Tensor]:
        """Mean cross-entropy of the scales' own predictions, with weight one as published."""
        losses = []
        for divisor in DIVISORS:
            logits = output.maps[f"auxiliary{divisor}"]
            if self.variant.full_logits:
                logits = resize_maps(logits, output.size, self.variant.align_corners)
            losses.append(share_cross_entropy(logits, episode.query_mask, self.variant.balanced))
        return {"auxiliary": torch.stack(losses).mean()}

    def _mask_share(self, masks: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
        """(B, h, w) float32: share of foreground in the cells of some maps."""
        size = (maps.shape[2], maps.shape[3])
        share, _ = (average_mask if self.variant.area_masks else sample_mask)(masks, size)
        return share

    def _run_deep(self, features: Features, masks: torch.Tensor) -> torch.Tensor:
        """The deepest level of the support, from masked features if the variant says so."""
        if not self.variant.masked_last_stage:
            return features.maps[2]
        assert isinstance(self.backbone, ResNetBackbone)
        before = features.maps[1]
        masked = before * self._mask_share(masks, before)[:, None]
        return self.backbone.run_last_stage(masked.to(before.dtype))

    def _compare(self, features: Features, support: Support) -> torch.Tensor:
        """Prior of one shot at the finest level: (B, 1, H, W)."""
        deep, finest = features.maps[2], features.maps[0]
        with torch.no_grad():
            prior = max_cosine_prior(
                as_rows(deep),
                as_rows(support["deep"]),
                support["share"].flatten(1),
                count_shares=self.variant.area_masks,
            )
        maps = prior.view(-1, 1, *deep.shape[2:]).to(deep.dtype)
        size = (finest.shape[2], finest.shape[3])
        return resize_maps(maps, size, self.variant.align_corners)
