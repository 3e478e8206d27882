"""The trunk of HSNet and its descendants: from correlation tensors to a query map."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from fewscape.layers.center_pivot import CenterPivotBlock
from fewscape.ops import resize_maps

KERNELS = {32: (5, 5, 3), 16: (5, 3, 3), 8: (3, 3, 3)}
"""Kernels of a squeeze block by the side of its support input."""
STRIDES = {32: (4, 4, 2), 16: (4, 2, 2), 8: (2, 2, 2)}
"""Its strides on the support side, which reduce it to one position."""


class HypercorrelationTrunk(nn.Module):
    """Squeezes the support side of three levels and mixes them coarse to fine.

    HSNet (Min et al. 2021, section 4.2), figure 3; subclasses decode the query map.

    Args:
        planes: correlation planes of each level, fine to coarse.
        widths: channels of the three layers of a squeeze; the last is the trunk's width.
        support_sides: cells per side of the support on each level, fine to coarse.
        align_corners: alignment of upsampling.
    """

    def __init__(
        self,
        planes: Sequence[int],
        widths: tuple[int, int, int],
        support_sides: tuple[int, int, int],
        align_corners: bool,
    ) -> None:
        super().__init__()
        self.align_corners = align_corners
        self.squeeze8, self.squeeze16, self.squeeze32 = (
            CenterPivotBlock(count, widths, KERNELS[side], STRIDES[side])
            for count, side in zip(planes, support_sides, strict=True)
        )
        mixing = ((widths[-1],) * 3, (3, 3, 3), (1, 1, 1))
        self.mix16 = CenterPivotBlock(widths[-1], *mixing)
        self.mix8 = CenterPivotBlock(widths[-1], *mixing)

    def squeeze(self, pairs: Sequence[torch.Tensor]) -> torch.Tensor:
        """The query map of the finest level, averaged over the remaining support positions.

        Args:
            pairs: (B, Hq, Wq, Hs, Ws, planes) of stride 8, 16 and 32;
                the support's sides are those of the strides or smaller.

        Returns:
            (B, C, H / 8, W / 8).
        """
        at8, at16, at32 = pairs
        mixed = self.squeeze32(at32)
        mixed = self.mix16(self._enlarge(mixed, at16) + self.squeeze16(at16))
        mixed = self.mix8(self._enlarge(mixed, at8) + self.squeeze8(at8))
        query: torch.Tensor = mixed.mean(dim=(3, 4)).permute(0, 3, 1, 2)
        return query

    def _enlarge(self, pairs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Upsample the query side to the target's resolution."""
        batch, height, width, rows, cols, channels = pairs.shape
        planes = pairs.permute(0, 3, 4, 5, 1, 2).reshape(batch, -1, height, width)
        size = (target.shape[1], target.shape[2])
        planes = resize_maps(planes, size, self.align_corners)
        return planes.view(batch, rows, cols, channels, *size).permute(0, 4, 5, 1, 2, 3)
