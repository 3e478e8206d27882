"""DSMF-Net: graph prototypes of three stages and a prior, fused over a pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from fewscape.backbones import Backbone, BackboneConfig
from fewscape.core import ConfigError, Episode, Features, Output, Support
from fewscape.layers import Adjacency, ConvStack, PyramidReduction, SegmentationHead
from fewscape.losses import share_cross_entropy
from fewscape.models.base import FewShotModel
from fewscape.models.dsmf_net.config import VARIANTS, FusionOrder, VariantName
from fewscape.models.dsmf_net.fusion import DIVISORS, SemanticFusion
from fewscape.models.dsmf_net.graphs import WIDTH, StageGraphs, compare_graphs, stretch
from fewscape.models.variants import choose_variant
from fewscape.ops import (
    as_rows,
    average_mask,
    compare_prototypes,
    max_cosine_prior,
    pool_masked,
    pool_prototypes,
    resize_maps,
    weigh_cosines,
)

MIDDLE_STAGES = (3, 4)
DEEPEST = 5
ANCHOR_STAGES = (2, 3, 4, 5)
ANCHOR_GAIN = 10.0
"""Initial factor of the mean cosine; cosines of real features differ by a few tenths."""
ANCHOR_WIDTH = 32
AREA_SMOOTHING = 5e-4
DILATED = "_dilated"
DILATABLE = ("resnet50", "resnet101")


class DSMFNet(FewShotModel):
    """Dual semantic metric learning fusion network.

    Qi et al., IEEE JSTARS 2025 (IEEE document 10746596). Neither code nor sizes were published; the
    modules, their order and the loss follow the paper, the numbers are reconstructed from the
    methods it builds on.

    GPML: three stages of the backbone, reduced and processed by GloRe units, are compared with the
    support's mean vectors; each gives a probability map. PGML: the largest cosine with the
    support's object in the deepest stage is a prior map. SFF: query, prototype and these maps are
    fused on three scales, each with its own supervision.

    ``variant="reference"`` is the plain reading (10,800,392 learnable parameters on a ResNet-50),
    ``light`` has a narrow fusion with one auxiliary head (3,522,820), ``default`` is the light one
    with the better choices in ``config``. Prototypes and priors of several shots are averaged.

    Args:
        backbone: any pyramid of strides 8, 16 and 32, for ``default`` 4 too.
        variant: see above.
        gpml_stages: stages with graphs; stage n has stride 2 ** n without dilation.
        sff_order: exchange between scales, see ``SemanticFusion``.
        dilated: use the dilated form of a ResNet, whose stages 3 to 5 all have stride 8, as the
            paper seems to do; three times the cost.
        sff_use_graph_feat: give the fusion the query maps after reasoning, not only their
            comparison.
        adjacency: adjacency of the graphs, see ``GloRe``.
    """

    name: ClassVar[str] = "dsmf_net"

    def __init__(
        self,
        backbone: BackboneConfig | None = None,
        variant: VariantName = "default",
        gpml_stages: Sequence[int] = (3, 4, 5),
        sff_order: FusionOrder = "mid",
        dilated: bool = False,
        sff_use_graph_feat: bool = False,
        adjacency: Adjacency = "static",
    ) -> None:
        super().__init__()
        self.variant_name: VariantName = variant
        self.variant = choose_variant(VARIANTS, variant, "DSMF-Net")
        self.gpml_stages = _check_stages(gpml_stages)
        self.settings = {
            "sff_order": sff_order,
            "dilated": dilated,
            "sff_use_graph_feat": sff_use_graph_feat,
            "adjacency": adjacency,
        }
        self.use_graph_maps = sff_use_graph_feat
        self.anchor_stages = ANCHOR_STAGES if self.variant.anchor else ()
        self.stages = tuple(
            sorted({*MIDDLE_STAGES, DEEPEST, *self.gpml_stages, *self.anchor_stages})
        )
        self.backbone = _build_backbone(backbone or BackboneConfig(), self.stages, dilated)
        channels = dict(zip(self.stages, self.backbone.channels, strict=True))
        reduced = {stage: channels[stage] for stage in {*MIDDLE_STAGES, *self.gpml_stages}}
        calibrated = self.variant.direct_weight > 0
        self.graphs = StageGraphs(reduced, self.gpml_stages, adjacency, calibrated)
        self.middle = PyramidReduction((WIDTH,) * 2, WIDTH, self.variant.dropout)
        self.fusion = SemanticFusion(
            WIDTH, self._count_maps(), self.variant.width, sff_order, self.variant.shared_head
        )
        if self.variant.anchor:
            self._add_anchor()
        else:
            self.head = SegmentationHead(self.variant.width)
        strides = dict(zip(self.stages, self.backbone.strides, strict=True))
        self.stride = strides[ANCHOR_STAGES[0] if self.variant.anchor else MIDDLE_STAGES[0]]
        self.window_multiple = max(self.backbone.strides)

    def _count_maps(self) -> int:
        """Input channels of the fusion besides query and prototype."""
        num_maps = (2 if self.variant.raw_maps else 1) * len(self.gpml_stages) + 1
        return num_maps + (WIDTH if self.use_graph_maps else 0)

    def _add_anchor(self) -> None:
        planes = self.variant.width + 2 * len(ANCHOR_STAGES)
        self.refine = ConvStack((planes, ANCHOR_WIDTH, 2), last_activation=False)
        for parameter in self.refine[-1].parameters():
            nn.init.zeros_(parameter)
        weights = torch.full((len(ANCHOR_STAGES),), ANCHOR_GAIN / len(ANCHOR_STAGES))
        self.anchor_weights = nn.Parameter(weights)

    def describe(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "backbone": self.backbone.settings,
            "variant": self.variant_name,
            "gpml_stages": list(self.gpml_stages),
            **self.settings,
        }

    def enhance(self, raw: Features) -> Features:
        """Adds ``middle`` (B, 256, H, W) and the map ``graph3`` ... of each graph to the maps."""
        by_stage = dict(zip(self.stages, raw.maps, strict=True))
        base = by_stage[MIDDLE_STAGES[0]]
        if MIDDLE_STAGES[0] > self.gpml_stages[0]:  # finer than the fusion, so averaged first
            finest = by_stage[self.gpml_stages[0]]
            thinned = F.adaptive_avg_pool2d(finest, (base.shape[2], base.shape[3]))
            by_stage[self.gpml_stages[0]] = thinned
        reduced = self.graphs.reduce(by_stage)
        extra = {"middle": self.middle([reduced[stage] for stage in MIDDLE_STAGES])}
        for stage, grid in self.graphs.reason(reduced).items():
            extra[f"graph{stage}"] = grid
        return Features(raw.maps, raw.size, None, extra)

    def learn(self, features: Features, masks: torch.Tensor) -> Support:
        """Prototypes of the middle and of all stages, and the deepest map with its shares.

        ``middle`` (B, 256), ``graph3`` (B, 1 or 2, 256) and so on, ``deep`` (B, C, h, w), ``share``
        (B, h, w), and with an anchor ``anchor2`` (B, 2, C) and so on.
        """
        middle, deep = features.extra["middle"], self._map(features, DEEPEST)
        tensors = {
            "middle": pool_masked(middle, _shares(masks, middle)[0], AREA_SMOOTHING),
            "deep": deep,
            "share": _shares(masks, deep)[0],
        }
        num_sides = 2 if self.variant.margins else 1
        for stage in self.gpml_stages:
            grid = features.extra[f"graph{stage}"]
            tensors[f"graph{stage}"] = pool_prototypes(grid, _shares(masks, grid)[:num_sides])
        for stage in self.anchor_stages:
            grid = self._map(features, stage)
            tensors[f"anchor{stage}"] = pool_prototypes(grid, _shares(masks, grid))
        return Support(tensors)

    def predict(self, features: Features, supports: Sequence[Support]) -> Output:
        """Logits for the mean prototypes and the mean prior of all shots.

        ``maps`` hold the ``prior``, for each stage with a graph its probability map ``graph3`` and
        its cosine ``cosine3`` (B, 1, h, w), and in training the logits of the scales.
        """
        query = features.extra["middle"]
        size = (query.shape[2], query.shape[3])
        prior = torch.stack([self._compare_deep(features, each) for each in supports]).mean(0)
        maps = {"prior": prior}
        for stage in self.gpml_stages:
            own = features.extra[f"graph{stage}"]
            similarity = compare_graphs(own, _mean(supports, f"graph{stage}"))
            maps |= {f"graph{stage}": stretch(similarity), f"cosine{stage}": similarity}
        titles = ["prior", *(f"graph{stage}" for stage in self.gpml_stages)]
        if self.variant.raw_maps:
            titles += [f"cosine{stage}" for stage in self.gpml_stages]
        others = [resize_maps(maps[title], size).to(query.dtype) for title in titles]
        if self.use_graph_maps:
            graphs = [features.extra[f"graph{stage}"] for stage in self.gpml_stages]
            others.append(torch.stack([resize_maps(grid, size) for grid in graphs]).sum(dim=0))
        fused, auxiliary = self.fusion(query, _mean(supports, "middle"), torch.cat(others, dim=1))
        logits = self._answer(features, supports, fused)
        return Output(logits, features.size, maps | auxiliary)

    def auxiliary_losses(self, output: Output, episode: Episode) -> dict[str, torch.Tensor]:
        """Mean cross-entropy of the scales' own predictions and of calibrated cosines."""
        scales = [output.maps[f"auxiliary{divisor}"] for divisor in DIVISORS]
        losses = {"auxiliary": self._judge(scales, episode.query_mask)}
        if self.variant.direct_weight:
            cosines = [output.maps[f"cosine{stage}"] for stage in self.gpml_stages]
            direct = self._judge(self.graphs.calibrate(cosines), episode.query_mask)
            losses["graphs"] = self.variant.direct_weight * direct
        return losses

    def _judge(self, logits: Sequence[torch.Tensor], masks: torch.Tensor) -> torch.Tensor:
        losses = [share_cross_entropy(own, masks, self.variant.balanced) for own in logits]
        return torch.stack(losses).mean()

    def _answer(
        self, features: Features, supports: Sequence[Support], fused: torch.Tensor
    ) -> torch.Tensor:
        """Logits from the fused map and, if there is one, from the anchor."""
        if not self.variant.anchor:
            logits: torch.Tensor = self.head(fused)
            return logits
        finest = self._map(features, ANCHOR_STAGES[0])
        size = (finest.shape[2], finest.shape[3])
        cosines = [
            resize_maps(
                compare_prototypes(self._map(features, stage), _mean(supports, f"anchor{stage}")),
                size,
            )
            for stage in ANCHOR_STAGES
        ]
        joined = torch.cat([resize_maps(fused, size).to(cosines[0].dtype), *cosines], dim=1)
        refined: torch.Tensor = self.refine(joined.to(fused.dtype))
        return refined.float() + weigh_cosines(cosines, self.anchor_weights)

    @torch.no_grad()
    def _compare_deep(self, features: Features, support: Support) -> torch.Tensor:
        """PGML of one shot: (B, 1, h, w) float32."""
        deep = self._map(features, DEEPEST)
        prior = max_cosine_prior(
            as_rows(deep), as_rows(support["deep"]), support["share"].flatten(1), count_shares=True
        )
        return prior.view(-1, 1, *deep.shape[2:])

    def _map(self, features: Features, stage: int) -> torch.Tensor:
        return features.maps[self.stages.index(stage)]


def _shares(masks: torch.Tensor, grid: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Foreground and background of the cells of a map, each (B, h, w)."""
    return average_mask(masks, (grid.shape[2], grid.shape[3]))


def _mean(supports: Sequence[Support], title: str) -> torch.Tensor:
    """Prototypes averaged over the shots."""
    return torch.stack([support[title] for support in supports]).mean(dim=0)


def _check_stages(stages: Sequence[int]) -> tuple[int, ...]:
    chosen = tuple(sorted(set(stages)))
    if not chosen or not set(chosen) <= set(ANCHOR_STAGES):
        raise ConfigError(
            f"gpml_stages are {list(stages)}",
            f"expected some of {list(ANCHOR_STAGES)}; stage n has stride 2 ** n",
            "use the default, 3, 4 and 5",
        )
    return chosen


def _build_backbone(config: BackboneConfig, stages: Sequence[int], dilated: bool) -> Backbone:
    """Build the backbone with one map per stage.

    Raises:
        ConfigError: it has no dilated form, or its levels are not the stages.
    """
    if dilated and not (config.name or "").endswith(DILATED):
        if config.name not in (None, *DILATABLE):
            raise ConfigError(
                f"the backbone '{config.name}' has no dilated form",
                f"these have one: {', '.join(DILATABLE)}",
                "use one of them, or dilated=False",
            )
        config = replace(config, name=(config.name or DILATABLE[0]) + DILATED)
    strides = tuple(2**stage for stage in stages)
    backbone = config.build(strides)
    if tuple(backbone.settings["strides"]) != strides or len(backbone.strides) != len(strides):
        raise ConfigError(
            f"DSMF-Net cannot use a backbone with strides {list(backbone.strides)}",
            f"it needs one map of each of the strides {list(strides)}",
            "leave the settings 'strides' and 'taps' out",
        )
    return backbone
