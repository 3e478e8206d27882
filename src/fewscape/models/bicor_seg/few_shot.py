"""BiCoR-Seg for unseen classes, with embeddings from annotated examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from fewscape.backbones import BackboneConfig
from fewscape.core import ConfigError, Episode, Features, Output, Support
from fewscape.losses import class_cross_entropy, class_dice, fisher_loss
from fewscape.models.base import FewShotModel
from fewscape.models.bicor_seg.network import FISHER_WEIGHT, HEAT_WEIGHT, SHUFFLED, STRIDES
from fewscape.models.bicor_seg.refinement import (
    EPSILON,
    MIN_PIXELS,
    LinearPyramid,
    MutualRefinement,
    ShuffleUpsampler,
    classify,
    refine,
)
from fewscape.ops import average_mask, resize_maps, widen

BACKGROUND, OTHERS, FOREGROUND = range(3)
"""Rows of the embeddings: learned background, background of the examples, the class."""


class BiCoRFewShot(FewShotModel):
    """BiCoR-Seg with embeddings from examples instead of a table of classes.

    This use is unpublished. No weight of a refinement layer belongs to a class, so the first layer
    can make embeddings from examples in the same way as it refines them: with the mask in place of
    the heatmap it pools the examples' features, and its gate adds them to a learned vector. There
    is one embedding of the class and one of its surroundings; a third, learned in training,
    represents background that the examples do not show. The layers then run on the query, whose
    confident pixels pull the embeddings towards its appearance.

    Several shots are pooled together with equal weight per pixel.

    Args:
        backbone: a pyramid of strides 4, 8, 16 and 32.
        num_layers: refinement layers.
        topk_ratio: share of the query's pixels that an embedding is refined from; small, since the
            mean over all pixels is not specific to a class.
        min_pixels: minimum number of these pixels.
        width: channels of the map and of the embeddings, a multiple of 64.
        residual: add the examples' embeddings to the refined ones before classification, so that a
            misleading query cannot erase them.
    """

    name: ClassVar[str] = "bicor_few_shot"

    def __init__(
        self,
        backbone: BackboneConfig | None = None,
        num_layers: int = 2,
        topk_ratio: float = 0.02,
        min_pixels: int = MIN_PIXELS,
        width: int = 128,
        residual: bool = True,
    ) -> None:
        super().__init__()
        self.settings = {
            "num_layers": num_layers,
            "topk_ratio": topk_ratio,
            "min_pixels": min_pixels,
            "width": width,
            "residual": residual,
        }
        self.residual = residual
        self.backbone = (backbone or BackboneConfig()).build(STRIDES)
        if self.backbone.strides != STRIDES or width % SHUFFLED:
            raise ConfigError(
                f"BiCoR-Seg cannot use strides {self.backbone.strides} and a width of {width}",
                f"it needs the strides {STRIDES} and a multiple of {SHUFFLED}",
            )
        self.pyramid = LinearPyramid(self.backbone.channels, width)
        self.norm = nn.BatchNorm2d(width)
        self.rows = nn.Parameter(torch.empty(3, width))
        nn.init.trunc_normal_(self.rows, std=0.02)
        self.layers = nn.ModuleList(
            MutualRefinement(width, topk_ratio, min_pixels) for _ in range(num_layers)
        )
        self.upsampler = ShuffleUpsampler(width)
        self.classifier = nn.Linear(width, width // SHUFFLED, bias=False)
        self.stride = 1
        self.window_multiple = STRIDES[-1]

    def describe(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"backbone": self.backbone.settings, **self.settings}

    def enhance(self, raw: Features) -> Features:
        """The fused map of stride 4."""
        return Features((self.norm(self.pyramid(raw.maps)),), raw.size)

    def learn(self, features: Features, masks: torch.Tensor) -> Support:
        """Sum the features over foreground and background.

        ``sums`` (B, 2, C) and ``areas`` (B, 2, 1) in cells, of foreground and background.
        """
        fused = features.maps[0]
        shares = torch.stack(average_mask(masks, (fused.shape[2], fused.shape[3])), dim=1)
        first = self.layers[0]
        assert isinstance(first, MutualRefinement)
        rows = first.norm_features(fused.flatten(2).transpose(1, 2))
        weights = shares.flatten(2)
        sums = torch.matmul(weights.to(rows.dtype), rows)
        return Support({"sums": sums, "areas": weights.sum(dim=2, keepdim=True)})

    def predict(self, features: Features, supports: Sequence[Support]) -> Output:
        """Logits of the queries, with the pixels of all shots pooled."""
        joined = {
            name: torch.stack([support[name] for support in supports]).sum(dim=0)
            for name in ("sums", "areas")
        }
        return self._predict(features, Support(joined))

    def _predict(self, features: Features, support: Support) -> Output:
        """Logits (B, 2, H, W) at the images' resolution.

        ``maps`` hold the heats' logits ``heat1`` (B, 2, H / 4, W / 4), ... and in training the
        class's embeddings ``support`` and ``query`` (B, C).
        """
        fused = features.maps[0]
        start = self._embed(support).expand(fused.shape[0], -1, -1)
        refined = refine(self.layers, start, fused)
        last = refined.embeddings[-1]
        joined = last + start if self.residual else last
        weights = self.classifier(F.layer_norm(joined, joined.shape[-1:]))
        logits = _join_background(classify(self.upsampler(refined.features), weights))
        maps = {
            f"heat{number}": _join_background(heat)
            for number, heat in enumerate(refined.heats, start=1)
        }
        if self.training:
            maps |= {"support": start[:, FOREGROUND], "query": last[:, FOREGROUND]}
        return Output(logits, features.size, maps)

    def _embed(self, support: Support) -> torch.Tensor:
        """(B, 3, C): F2CE with masks in place of heatmaps; an empty mask keeps the learned row."""
        areas = support["areas"]
        pooled = (support["sums"] / (areas + EPSILON)).to(self.rows.dtype)
        first = self.layers[0]
        assert isinstance(first, MutualRefinement)
        known = self.rows[[FOREGROUND, OTHERS]].expand(pooled.shape[0], -1, -1)
        updated = first.update(known, first.norm_classes(known), first.to_classes(pooled))
        made = torch.where(areas > 0, updated, known)
        background = self.rows[BACKGROUND].expand(pooled.shape[0], 1, -1)
        return torch.cat([background, made[:, 1:], made[:, :1]], dim=1)

    def auxiliary_losses(self, output: Output, episode: Episode) -> dict[str, torch.Tensor]:
        """Losses of the heatmaps against the queries' masks, and a Fisher loss.

        Support and query of an episode are two samples of its class, so the within-class scatter
        pulls them together.
        """
        size = (episode.query_mask.shape[1], episode.query_mask.shape[2])
        heats = []
        for name, heat in output.maps.items():
            if name.startswith("heat"):
                logits = resize_maps(widen(heat), size)
                cross_entropy = class_cross_entropy(logits, episode.query_mask)
                heats.append(cross_entropy + class_dice(logits, episode.query_mask))
        classes, number = torch.unique(episode.class_id, return_inverse=True)
        samples = torch.cat([output.maps["support"], output.maps["query"]])
        present = F.one_hot(number, len(classes)).bool().repeat(2, 1)
        embeddings = samples[:, None].expand(-1, len(classes), -1)
        return {
            "heat": HEAT_WEIGHT * torch.stack(heats).sum(),
            "fisher": FISHER_WEIGHT * fisher_loss(embeddings, present),
        }


def _join_background(logits: torch.Tensor) -> torch.Tensor:
    """Merge the two kinds of background: (B, 3, h, w) to (B, 2, h, w)."""
    background = widen(logits[:, :FOREGROUND]).logsumexp(dim=1).to(logits.dtype)
    return torch.stack([background, logits[:, FOREGROUND]], dim=1)
