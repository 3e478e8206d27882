"""Centre-pivot 4D convolution (HSNet, Min et al. 2021, section 4.2) on correlation tensors.

A correlation tensor holds C values for every pair of a query and a support position. It is kept
as (B, Hq, Wq, Hs, Ws, C): with the channels innermost, swapping the two sides moves whole runs of C
numbers, which is several times faster than permuting single numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn


class CenterPivotConv4d(nn.Module):
    """Two 2D convolutions that are summed: one over the query side, one over the support side.

    The query part sees every ``stride``-th support position and has stride 1; the support part
    sees every query position. Both have a bias and zero padding of half the kernel.

    Args:
        in_channels: C of the input.
        out_channels: C of the result.
        kernel: odd side of the kernel, the same on all four axes.
        stride: stride on the support side.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        padding = kernel // 2
        self.stride = stride
        self.query = nn.Conv2d(in_channels, out_channels, kernel, padding=padding)
        self.support = nn.Conv2d(in_channels, out_channels, kernel, stride, padding)

    def forward(self, pairs: torch.Tensor) -> torch.Tensor:
        """(B, Hq, Wq, Hs, Ws, C) to (B, Hq, Wq, ceil(Hs / stride), ceil(Ws / stride), C')."""
        if pairs.shape[3:5] == (1, 1):
            return self._single_support(pairs)
        return self._over_query(pairs) + self._over_support(pairs)

    def _over_query(self, pairs: torch.Tensor) -> torch.Tensor:
        thinned = pairs[:, :, :, :: self.stride, :: self.stride]
        batch, height, width, rows, cols, channels = thinned.shape
        planes = thinned.permute(0, 3, 4, 5, 1, 2)  # (B, Hs', Ws', C, Hq, Wq)
        planes = planes.reshape(batch * rows * cols, channels, height, width)
        mixed: torch.Tensor = self.query(planes.contiguous(memory_format=torch.channels_last))
        mixed = mixed.permute(0, 2, 3, 1).reshape(batch, rows, cols, height, width, -1)
        return mixed.permute(0, 3, 4, 1, 2, 5)

    def _over_support(self, pairs: torch.Tensor) -> torch.Tensor:
        batch, height, width, rows, cols, channels = pairs.shape
        planes = pairs.reshape(batch * height * width, rows, cols, channels).permute(0, 3, 1, 2)
        mixed: torch.Tensor = self.support(planes).permute(0, 2, 3, 1)
        return mixed.reshape(batch, height, width, *mixed.shape[1:])

    def _single_support(self, pairs: torch.Tensor) -> torch.Tensor:
        """One support position: the support part is its centre tap, so one 2D convolution."""
        centre = self.query.kernel_size[0] // 2
        weight = self.query.weight.clone()
        weight[:, :, centre, centre] += self.support.weight[:, :, centre, centre]
        assert self.query.bias is not None
        assert self.support.bias is not None
        planes = pairs[:, :, :, 0, 0].permute(0, 3, 1, 2)
        mixed = F.conv2d(
            planes, weight, self.query.bias + self.support.bias, padding=self.query.padding
        )
        return mixed.permute(0, 2, 3, 1)[:, :, :, None, None]


class GroupNorm4d(nn.GroupNorm):
    """Group normalisation of channel-last pairs: (B, ..., C) to the same shape.

    Statistics run over all positions and the channels of a group.
    """

    def forward(self, pairs: torch.Tensor) -> torch.Tensor:
        """Normalised pairs in the dtype of the input."""
        planes = pairs.flatten(1, 2).flatten(2, 3).permute(0, 3, 1, 2)  # channels-last in memory
        return super().forward(planes).permute(0, 2, 3, 1).reshape(pairs.shape)


class CenterPivotBlock(nn.Sequential):
    """A stack of centre-pivot convolutions, each with group normalisation (4 groups) and ReLU.

    Args:
        in_channels: C of the input.
        channels: C of each layer's result.
        kernels: kernel of each layer.
        strides: support-side stride of each layer.
    """

    NUM_GROUPS = 4

    def __init__(
        self,
        in_channels: int,
        channels: Sequence[int],
        kernels: Sequence[int],
        strides: Sequence[int],
    ) -> None:
        parts: list[nn.Module] = []
        for width, kernel, stride in zip(channels, kernels, strides, strict=True):
            parts.append(CenterPivotConv4d(in_channels, width, kernel, stride))
            parts.append(GroupNorm4d(self.NUM_GROUPS, width))
            parts.append(nn.ReLU())  # in place would copy back through the permuted views
            in_channels = width
        super().__init__(*parts)
