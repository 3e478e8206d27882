"""SFF: query, prototype and maps fused over a pyramid (DSMF-Net, section on semantic fusion)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from fewscape.layers import ConvStack, JoinedConv, SegmentationHead
from fewscape.models.dsmf_net.config import FusionOrder
from fewscape.ops import resize_maps

DIVISORS = (1, 2, 4)
"""Scales as fractions of the map's sides, rounded up."""
MIDDLE = 1
"""Index of the scale that gathers the others."""


class SemanticFusion(nn.Module):
    """Merges query, prototype and maps on each scale, and the scales with each other.

    Args:
        channels: channels of the query map and of the prototype.
        others: channels of the further maps.
        width: channels of every scale.
        order: ``mid`` gathers all scales in the middle one and passes the result back to each;
            ``topdown`` passes each scale to the next coarser one, like PFENet; ``none`` keeps them
            separate, the baseline of the ablation.
        shared_head: one auxiliary head for all scales.
    """

    def __init__(
        self, channels: int, others: int, width: int, order: FusionOrder, shared_head: bool
    ) -> None:
        super().__init__()
        self.order = order
        self.build = nn.ModuleList(JoinedConv(channels, others, width) for _ in DIVISORS)
        if order == "mid":
            self.gather = nn.Conv2d(len(DIVISORS) * width, width, 1, bias=False)
            self.refine_middle = _refine(width)
        num_handed = {"mid": len(DIVISORS), "topdown": len(DIVISORS) - 1, "none": 0}[order]
        self.hand_on = nn.ModuleList(
            nn.Conv2d(2 * width, width, 1, bias=False) for _ in range(num_handed)
        )
        self.refine = nn.ModuleList(_refine(width) for _ in DIVISORS)
        num_heads = 1 if shared_head else len(DIVISORS)
        self.heads = nn.ModuleList(SegmentationHead(width) for _ in range(num_heads))
        self.join = nn.Conv2d(len(DIVISORS) * width, width, 1, bias=False)
        self.refine_joined = _refine(width)

    def forward(
        self, query: torch.Tensor, prototype: torch.Tensor, others: torch.Tensor
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The fused map, and in training the logits of each scale.

        Args:
            query: (B, C, H, W).
            prototype: (B or 1, C) mean vector of the support's foreground.
            others: (B, C', H, W) maps of the graphs and of the prior.

        Returns:
            (B, width, H, W), and ``auxiliary1`` (B, 2, H, W), ``auxiliary2`` (B, 2, H / 2, W / 2)
            and ``auxiliary4``; none of these in evaluation.
        """
        scales = [self._build(index, query, prototype, others) for index in range(len(DIVISORS))]
        merged = self._merge(scales)
        auxiliary = {}
        if self.training:
            for index, (divisor, own) in enumerate(zip(DIVISORS, merged, strict=True)):
                auxiliary[f"auxiliary{divisor}"] = self.heads[index % len(self.heads)](own)
        size = (query.shape[2], query.shape[3])
        joined = F.relu(self.join(torch.cat([resize_maps(own, size) for own in merged], dim=1)))
        return joined + self.refine_joined(joined), auxiliary

    def _build(
        self, index: int, query: torch.Tensor, prototype: torch.Tensor, others: torch.Tensor
    ) -> torch.Tensor:
        """(B, width, h, w) of one scale before the exchange."""
        height, width = (-(-side // DIVISORS[index]) for side in query.shape[2:])
        pooled = F.adaptive_avg_pool2d(query, (height, width))
        build = self.build[index]
        assert isinstance(build, JoinedConv)
        return build.join(pooled, prototype, resize_maps(others, (height, width))).relu()

    def _merge(self, scales: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """The scales after the exchange."""
        middle = self._gather(scales) if self.order == "mid" else None
        merged: list[torch.Tensor] = []
        for index, own in enumerate(scales):
            if middle is not None:
                own = own + self._hand(index, own, middle)
            elif merged and self.order == "topdown":
                own = own + self._hand(index - 1, own, merged[-1])
            merged.append(own + self.refine[index](own))
        return merged

    def _gather(self, scales: Sequence[torch.Tensor]) -> torch.Tensor:
        """All scales condensed in the middle one."""
        size = (scales[MIDDLE].shape[2], scales[MIDDLE].shape[3])
        finer = [F.adaptive_avg_pool2d(own, size) for own in scales[:MIDDLE]]
        coarser = [resize_maps(own, size) for own in scales[MIDDLE:]]
        gathered = F.relu(self.gather(torch.cat([*finer, *coarser], dim=1)))
        refined: torch.Tensor = gathered + self.refine_middle(gathered)
        return refined

    def _hand(self, index: int, own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """The input of a scale from another one."""
        size = (own.shape[2], own.shape[3])
        return F.relu(self.hand_on[index](torch.cat([own, resize_maps(other, size)], dim=1)))


def _refine(width: int) -> ConvStack:
    return ConvStack((width, width, width), last_activation=True, bias=False)
