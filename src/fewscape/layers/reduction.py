"""One narrow map from several levels of a pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
from torch import nn

from fewscape.ops import resize_maps


class PyramidReduction(nn.Module):
    """A 1 x 1 convolution of concatenated levels without bias, then ReLU and channel dropout.

    A 1 x 1 convolution is a sum over levels and commutes with upsampling, so no wide concatenated
    map is made.

    Args:
        channels: C of each level, fine to coarse.
        width: channels of the result.
        dropout: share of channels dropped in training.
        align_corners: alignment of upsampling.
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
