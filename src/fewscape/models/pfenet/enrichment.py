"""FEM: a query map enriched with prototype and prior on several scales (PFENet, section 3.3)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from fewscape.layers import ConvStack, JoinedConv, SegmentationHead
from fewscape.ops import resize_maps

DIVISORS = (1, 2, 4, 8)
"""Scales as fractions of the map's sides, rounded up: 60, 30, 15, 8 of the published 60 cells."""


class FeatureEnrichment(nn.Module):
    """Merges query, prototype and prior on each scale and passes the result to the next.

    Args:
        width: channels of the query map and of every scale.
        align_corners: alignment of all resizing.
    """

    def __init__(self, width: int, align_corners: bool = False) -> None:
        super().__init__()
        self.align_corners = align_corners
        self.merge = nn.ModuleList(JoinedConv(width, 1, width) for _ in DIVISORS)
        self.hand_on = nn.ModuleList(
            nn.Conv2d(2 * width, width, 1, bias=False) for _ in DIVISORS[1:]
        )
        self.refine = nn.ModuleList(
            ConvStack((width, width, width), last_activation=True, bias=False) for _ in DIVISORS
        )
        self.heads = nn.ModuleList(SegmentationHead(width) for _ in DIVISORS)

    def forward(
        self, query: torch.Tensor, prototype: torch.Tensor, prior: torch.Tensor
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Enriched maps of all scales, and in training the logits of each scale.

        Args:
            query: (B, width, H, W).
            prototype: (B or 1, width) mean vector of the support's foreground.
            prior: (B, 1, H, W).

        Returns:
            (B, 4 * width, H, W), and ``auxiliary1`` (B, 2, H, W), ``auxiliary2``
            (B, 2, H / 2, W / 2), ...; no logits in evaluation.
        """
        size = (query.shape[2], query.shape[3])
        enriched: list[torch.Tensor] = []
        auxiliary = {}
        for index, divisor in enumerate(DIVISORS):
            merged = self._merge(index, query, prototype, prior)
            if enriched:
                merged = merged + self._hand_on(index, merged, enriched[-1])
            merged = merged + self.refine[index](merged)
            if self.training:
                auxiliary[f"auxiliary{divisor}"] = self.heads[index](merged)
            enriched.append(resize_maps(merged, size, self.align_corners))
        return torch.cat(enriched, dim=1), auxiliary

    def _merge(
        self, index: int, query: torch.Tensor, prototype: torch.Tensor, prior: torch.Tensor
    ) -> torch.Tensor:
        """(B, width, h, w) of one scale."""
        height, width = (-(-side // DIVISORS[index]) for side in query.shape[2:])
        pooled = F.adaptive_avg_pool2d(query, (height, width))
        at_scale = resize_maps(prior, (height, width), self.align_corners)
        merge = self.merge[index]
        assert isinstance(merge, JoinedConv)
        return merge.join(pooled, prototype, at_scale).relu()

    def _hand_on(self, index: int, merged: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        """The input of a scale from the previous one: (B, width, h, w)."""
        size = (merged.shape[2], merged.shape[3])
        joined = torch.cat([merged, resize_maps(before, size, self.align_corners)], dim=1)
        return F.relu(self.hand_on[index - 1](joined))
