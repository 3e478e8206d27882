"""ICPD-Net: a prior decoupled from CLIP's knowledge of class names, and visual priors."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch

from fewscape.backbones import Backbone, BackboneConfig, ClipConfig
from fewscape.core import ConfigError, Episode, Features, Output, Support
from fewscape.losses import prior_cross_entropy
from fewscape.models.base import Embed, FewShotModel
from fewscape.models.icpd_net.comparison import compare_maps, sample_shares
from fewscape.models.icpd_net.config import (
    STATISTICS,
    VARIANTS,
    PriorInput,
    PriorSource,
    StatisticsName,
    VariantName,
)
from fewscape.models.icpd_net.decoder import PriorDecoder
from fewscape.models.icpd_net.decoupling import PriorDecoupling
from fewscape.models.icpd_net.fusion import rate_cells
from fewscape.models.icpd_net.prompts import stack_prompts
from fewscape.models.variants import choose_variant
from fewscape.ops import as_rows, max_cosine_prior, resize_maps

log = logging.getLogger(__name__)

STRIDES = (8, 16, 32)
"""Levels of the pyramid of priors."""
CLIP_STRIDE = 16
"""Level of CLIP's priors; its 16 x 16 cells of a 256 pixel image match the tokens."""


class ICPDNet(FewShotModel):
    """Implicit CLIP prior decoupling network.

    Jiang et al., IEEE TGRS 63, 2025, doi 10.1109/TGRS.2025.3617662.

    A small network decouples the similarities of CLIP's image tokens to all class names, the
    target's first, into a prior of the class (IPDM). Confident query features are mixed into the
    support (RFFM). Every block of the backbone and the tokens are compared with the support by mean
    cosine and by rank (DVPM), and a decoder predicts from these maps alone.

    Without ``clip``, the default, the network is purely visual: the prior is PFENet's, the largest
    cosine with the masked support on the coarsest map, averaged over the shots; CLIP's maps, the
    prior learner and its loss are absent.

    ``variant="reference"`` gives the released network's logits for the same weights, with
    ``mixing=0`` as in its main files or 0.5 as in its paper. ``variant="clean"`` makes the choices
    in ``config``; released weights load into both, but were trained for the reference.

    The target is the name with the number ``Episode.class_id``. If no name has it, as for a class
    known only by examples, it is the name that separates the support's foreground from its
    background best; ``name_class`` sets it for supports learned separately.

    Args:
        backbone: a network of strides 8, 16 and 32 whose blocks are compared.
        variant: ``clean`` or ``reference``.
        clip: towers and class names, or None.
        mixing: share of the query's prototype in the support's foreground; 0 turns RFFM off.
        prior: with CLIP, ``learner`` or the training-free baseline ``grad_cam``.
        prior_input: input of the learner: ``stack`` has one channel per class; ``statistics`` do
            not depend on the number and order of the classes.
        chance_correct: see ``rank_prior``.
        statistics: mean and deviation that normalise images: the backbone's, or those of a data set
            of the released weights.
    """

    name: ClassVar[str] = "icpd_net"

    def __init__(
        self,
        backbone: BackboneConfig | None = None,
        variant: VariantName = "clean",
        clip: ClipConfig | Mapping[str, Any] | None = None,
        mixing: float = 0.5,
        prior: PriorSource = "learner",
        prior_input: PriorInput = "stack",
        chance_correct: bool = False,
        statistics: StatisticsName = "backbone",
    ) -> None:
        super().__init__()
        self.variant_name: VariantName = variant
        self.variant = choose_variant(VARIANTS, variant, "ICPD-Net")
        self.backbone = _build_backbone(backbone, statistics)
        self.settings = {
            "mixing": mixing,
            "prior": prior,
            "prior_input": prior_input,
            "chance_correct": chance_correct,
            "statistics": statistics,
        }
        self.mixing = mixing
        self.chance_correct = chance_correct
        self.ipdm: PriorDecoupling | None = None
        if clip is None:
            log.warning("ICPD-Net runs without CLIP: its prior is PFENet's and is not trained")
        else:
            config = ClipConfig(**clip) if isinstance(clip, Mapping) else clip
            self.ipdm = PriorDecoupling(config, self.variant, prior, prior_input)
        self.decoder = PriorDecoder(self._count_maps(), self.variant.align_corners)
        self.stride = 1 if self.variant.full_logits else STRIDES[0] // 2
        self.window_multiple = STRIDES[-1]

    def describe(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "backbone": self.backbone.settings,
            "variant": self.variant_name,
            "clip": self.ipdm.config.describe() if self.ipdm else None,
            **self.settings,
        }

    def encode(
        self,
        images: torch.Tensor,
        regions: torch.Tensor | None = None,
        embed: Embed | None = None,
    ) -> Features:
        """The maps of all blocks, and with CLIP its tokens and their similarity to every name."""
        features = super().encode(images, regions, embed)
        if self.ipdm is None:
            return features
        extra = self.ipdm.look(images, self.backbone.mean, self.backbone.std)
        return replace(features, extra=features.extra | extra)

    def enhance(self, raw: Features) -> Features:
        """The unchanged maps of all blocks."""
        return Features(raw.maps, raw.size)

    def learn(self, features: Features, masks: torch.Tensor) -> Support:
        """``block0``, ... (B, C, h, w), and for each grid the shares and the cells to mix.

        With CLIP also ``tokens``, ``similarity`` and the guessed ``target`` (B, 1).
        """
        tensors = {f"block{index}": grid for index, grid in enumerate(features.maps)}
        grids = dict(zip(map(str, self.backbone.strides), features.maps, strict=True))
        if self.ipdm is not None:
            grids["tokens"] = features.extra["tokens"]
        for title, grid in grids.items():
            size = (grid.shape[2], grid.shape[3])
            shares, mixed = sample_shares(masks, size, self.variant)
            tensors |= {f"shares_{title}": shares, f"mixed_{title}": mixed}
        if self.ipdm is not None:
            tensors |= self.ipdm.learn(features, tensors["shares_tokens"])
        return Support(tensors)

    def name_class(self, support: Support, class_id: torch.Tensor) -> Support:
        """Set the support's target by class number; unknown ones stay guessed."""
        if self.ipdm is None:
            return support
        target = self.ipdm.name(support["target"], class_id)
        return Support(support.tensors | {"target": target})

    def predict(self, features: Features, supports: Sequence[Support]) -> Output:
        """Logits of the queries; the priors of all shots are averaged before the decoder.

        An entry ``prior`` (B, 1, h, w) in ``Features.extra`` replaces the predicted prior. ``maps``
        hold the ``prior``, the pyramid ``priors8``, ``priors16`` and ``priors32``, the means of its
        blocks, ``cosine8``, ``rank8`` and so on, with CLIP the ``similarity`` to the target's name,
        and in training the logits of the learner for each support, ``support_priors`` (B, S, h, w).
        """
        prior, support_priors = self._predict_prior(features, supports)
        pyramids = [self._compare_all(features, support, prior) for support in supports]
        levels = [torch.stack(level).mean(dim=0) for level in zip(*pyramids, strict=True)]
        logits = self.decoder(levels)
        if self.variant.full_logits:
            logits = resize_maps(logits, features.size, self.variant.align_corners)
        maps = {f"priors{stride}": level for stride, level in zip(STRIDES, levels, strict=True)}
        maps |= self._summarise(levels)
        if "similarity" in features.extra:
            maps["similarity"] = stack_prompts(features.extra["similarity"], supports[0]["target"])
        if support_priors is not None:
            maps["support_priors"] = support_priors
        return Output(logits, features.size, {"prior": prior} | maps)

    def auxiliary_losses(self, output: Output, episode: Episode) -> dict[str, torch.Tensor]:
        """L_clip: the learner's priors of the supports against their masks."""
        if "support_priors" not in output.maps:
            return {}
        logits = output.maps["support_priors"].flatten(0, 1)  # (B * S, h, w)
        masks = episode.support_masks.flatten(0, 1)
        return {"prior": prior_cross_entropy(logits, masks, self.variant.double_sigmoid)}

    def _predict_prior(
        self, features: Features, supports: Sequence[Support]
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Predict the query's prior (B, 1, h, w), and the supports' logits for the loss."""
        if "prior" in features.extra:
            return features.extra["prior"], None
        if self.ipdm is None:
            return self._compare_coarsest(features, supports), None
        foretold: tuple[torch.Tensor, torch.Tensor | None] = self.ipdm(features, supports)
        return foretold

    def _compare_coarsest(self, features: Features, supports: Sequence[Support]) -> torch.Tensor:
        """The prior without CLIP: PFENet's on the last map, averaged over the shots."""
        query, index = features.maps[-1], len(features.maps) - 1
        priors = [
            max_cosine_prior(
                as_rows(query),
                as_rows(support[f"block{index}"]),
                support[f"shares_{STRIDES[-1]}"].flatten(1),
                count_shares=self.variant.mask_sampling == "area",
            )
            for support in supports
        ]
        return torch.stack(priors).mean(dim=0).view(-1, 1, *query.shape[2:])

    def _summarise(self, levels: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
        """Mean cosine and mean rank of the blocks of each level, (B, 1, h, w), for inspection."""
        means = {}
        for stride, level in zip(STRIDES, levels, strict=True):
            blocks = level[:, : 2 * self.backbone.strides.count(stride)]
            for first, title in enumerate(("cosine", "rank")):
                means[f"{title}{stride}"] = blocks[:, first::2].mean(dim=1, keepdim=True)
        return means

    def _compare_all(
        self, features: Features, support: Support, prior: torch.Tensor
    ) -> list[torch.Tensor]:
        """Prior maps (B, C, h, w) of each level for one shot; cosine and rank alternate."""
        levels: dict[int, list[torch.Tensor]] = {stride: [] for stride in STRIDES}
        sizes, ratings = {}, {}
        for index, (grid, stride) in enumerate(
            zip(features.maps, self.backbone.strides, strict=True)
        ):
            if stride not in ratings:
                sizes[stride] = (grid.shape[2], grid.shape[3])
                ratings[stride] = rate_cells(prior, sizes[stride])
            levels[stride].append(
                self._compare(grid, support, f"block{index}", str(stride), ratings[stride])
            )
        if self.ipdm is not None:
            tokens = features.extra["tokens"]
            raw = resize_maps(prior, (tokens.shape[2], tokens.shape[3])).flatten(1)
            own = self._compare(tokens, support, "tokens", "tokens", raw)
            levels[CLIP_STRIDE].append(resize_maps(own, sizes[CLIP_STRIDE]))
        levels[CLIP_STRIDE].append(resize_maps(prior, sizes[CLIP_STRIDE]))
        return [torch.cat(levels[stride], dim=1) for stride in STRIDES]

    def _compare(
        self, query: torch.Tensor, support: Support, title: str, grid: str, ratings: torch.Tensor
    ) -> torch.Tensor:
        return compare_maps(
            query,
            support[title],
            support[f"shares_{grid}"],
            support[f"mixed_{grid}"],
            ratings,
            self.variant,
            self.mixing,
            joint_gate=self.variant.joint_gate and grid == "tokens",
            chance_correct=self.chance_correct,
        )

    def _count_maps(self) -> list[int]:
        """Number of prior maps per level: two per block, plus those of CLIP's level."""
        counts = {stride: 2 * self.backbone.strides.count(stride) for stride in STRIDES}
        counts[CLIP_STRIDE] += 1 if self.ipdm is None else 3
        return list(counts.values())


def _build_backbone(config: BackboneConfig | None, statistics: StatisticsName) -> Backbone:
    backbone = replace(config or BackboneConfig(), taps="blocks").build(STRIDES)
    if tuple(dict.fromkeys(backbone.strides)) != STRIDES:
        raise ConfigError(
            f"ICPD-Net cannot use a backbone with strides {list(backbone.strides)}",
            f"it needs blocks of strides {list(STRIDES)}",
            "leave the setting 'strides' out",
        )
    if statistics != "backbone":
        mean, std = STATISTICS[statistics]
        backbone.mean.copy_(torch.tensor(mean).view(1, 3, 1, 1))
        backbone.std.copy_(torch.tensor(std).view(1, 3, 1, 1))
    return backbone
