"""Plain stacks of 2D convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn


class ConvStack(nn.Sequential):
    """3 x 3 convolutions with ReLU between them: (B, C, H, W) to (B, C', H, W).

    Args:
        channels: widths from the input to the result.
        last_activation: whether a ReLU follows the last convolution too.
        bias: whether the convolutions have one.
    """

    def __init__(self, channels: Sequence[int], last_activation: bool, bias: bool = True) -> None:
        parts: list[nn.Module] = []
        for before, after in pairwise(channels):
            parts.append(nn.Conv2d(before, after, 3, padding=1, bias=bias))
            parts.append(nn.ReLU(inplace=True))
        super().__init__(*(parts if last_activation else parts[:-1]))


class NormStack(nn.Sequential):
    """3 x 3 convolutions with bias, each followed by GroupNorm and ReLU.

    Args:
        channels: widths from the input to the result.
        groups: groups of the norms.
    """

    def __init__(self, channels: Sequence[int], groups: int = 4) -> None:
        parts: list[nn.Module] = []
        for before, after in pairwise(channels):
            parts.append(nn.Conv2d(before, after, 3, padding=1))
            parts.append(nn.GroupNorm(groups, after))
            parts.append(nn.ReLU(inplace=True))
        super().__init__(*parts)
