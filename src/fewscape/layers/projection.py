"""Learned channels in addition to those of a frozen pyramid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from fewscape.ops import resize_maps


class PyramidProjection(nn.Module):
    """Concatenates every level's vectors with learned top-down ones.

    The learned half follows feature pyramid networks (Lin et al. 2017, section 3): 1 x 1
    convolutions, coarse maps added to finer ones, 3 x 3 convolutions. Both halves have length one
    at every position, so a cosine between two joined vectors is the mean of the two cosines, and
    the backbone's knowledge of unseen classes keeps half the weight.

    Args:
        channels: C of each level, fine to coarse.
        width: number of learned channels.
    """

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(before, width, 1) for before in channels)
        self.smooth = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in channels)

    def forward(self, maps: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """(B, C, H, W) of each level to (B, C + width, H, W)."""
        own = [F.normalize(level, dim=1) for level in maps]
        hidden: torch.Tensor | None = None
        joined = []
        for index in reversed(range(len(own))):
            level = self.lateral[index](own[index])
            if hidden is not None:
                level = level + resize_maps(hidden, (level.shape[2], level.shape[3]))
            hidden = level
            learnt = F.normalize(self.smooth[index](F.relu(hidden)), dim=1)
            joined.append(torch.cat([own[index], learnt], dim=1))
        return tuple(reversed(joined))
