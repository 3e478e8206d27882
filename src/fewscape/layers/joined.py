"""A convolution of inputs on different grids."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class JoinedConv(nn.Conv2d):
    """1 x 1 convolution without bias of a map, a constant vector and further maps.

    Equals tiling the vector and concatenating the channels in this order, without materialising
    either.

    Args:
        channels: channels of the map and of the vector.
        others: channels of the further maps.
        width: channels of the result.
    """

    def __init__(self, channels: int, others: int, width: int) -> None:
        super().__init__(2 * channels + others, width, 1, bias=False)
        self.channels = channels

    def join(self, maps: torch.Tensor, vector: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        """The convolution.

        Args:
            maps: (B, C, h, w).
            vector: (B or 1, C).
            others: (B, C', h, w).

        Returns:
            (B, width, h, w).
        """
        of_maps, of_vector, of_others = self.weight.tensor_split(
            [self.channels, 2 * self.channels], dim=1
        )
        constant = F.linear(vector.to(maps.dtype), of_vector[:, :, 0, 0])[:, :, None, None]
        return F.conv2d(maps, of_maps) + F.conv2d(others.to(maps.dtype), of_others) + constant
