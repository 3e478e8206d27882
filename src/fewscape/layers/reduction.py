"""One narrow map from several levels of a pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
from torch import nn

from fewscape.ops import resize_maps


class PyramidReduction(nn.Module):
    """The 1 x 1 convolution of joined levels, without bias, ReLU and dropout of channels.

    A convolution of 1 x 1 is the sum of one for each level, and it may come before the coarse
    levels are enlarged; so no wide joined map is made.

    Args:
        channels: C of each level, fine to coarse.
        width: channels of the result.
        dropout: share of channels that training drops.
        align_corners: grid of the enlargements.
    """

    def __init__(
        self,
        channels: Sequence[int],
        width: int,
        dropout: float = 0.5,
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        self.levels = nn.ModuleList(nn.Conv2d(before, width, 1, bias=False) for before in channels)
        self.finish = nn.Sequential(nn.ReLU(), nn.Dropout2d(dropout))
        self.align_corners = align_corners

    def forward(self, maps: Sequence[torch.Tensor]) -> torch.Tensor:
        """(B, C, h, w) of each level to (B, width, H, W) of the finest."""
        size = (maps[0].shape[2], maps[0].shape[3])
        reduced = [
            resize_maps(level(grid), size, self.align_corners)
            for level, grid in zip(self.levels, maps, strict=True)
        ]
        joined: torch.Tensor = self.finish(reduce(torch.add, reduced))
        return joined
