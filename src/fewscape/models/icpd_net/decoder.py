"""The decoder of ICPD-Net: prior maps of three levels to logits."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from fewscape.layers import ConvStack, NormStack
from fewscape.ops import resize_maps

SQUEEZED = (16, 64, 128)
WIDTH = SQUEEZED[-1]


class PriorDecoder(nn.Module):
    """Decodes prior maps without features, so that it is class-agnostic.

    Args:
        channels: prior maps of each level, fine to coarse.
        align_corners: alignment of upsampling.
    """

    def __init__(self, channels: Sequence[int], align_corners: bool = False) -> None:
        super().__init__()
        self.align_corners = align_corners
        self.squeeze8, self.squeeze16, self.squeeze32 = (
            NormStack((count, *SQUEEZED)) for count in channels
        )
        self.mix16 = NormStack((WIDTH,) * 4)
        self.mix8 = NormStack((WIDTH,) * 4)
        self.decode8 = ConvStack((WIDTH, WIDTH, WIDTH // 2), last_activation=True)
        self.decode4 = ConvStack((WIDTH // 2, WIDTH // 2, 2), last_activation=False)

    def forward(self, levels: Sequence[torch.Tensor]) -> torch.Tensor:
        """Logits (B, 2, H / 4, W / 4) from (B, C, h, w) of stride 8, 16 and 32."""
        dtype = next(self.parameters()).dtype
        at8, at16, at32 = (level.to(dtype) for level in levels)
        fine = self.squeeze16(at16)
        mixed = self.mix16(self._enlarge(self.squeeze32(at32), fine) + fine)
        fine = self.squeeze8(at8)
        mixed = self.decode8(self.mix8(self._enlarge(mixed, fine) + fine))
        doubled = (2 * mixed.shape[2], 2 * mixed.shape[3])
        logits: torch.Tensor = self.decode4(resize_maps(mixed, doubled, self.align_corners))
        return logits

    def _enlarge(self, maps: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return resize_maps(maps, (target.shape[2], target.shape[3]), self.align_corners)
