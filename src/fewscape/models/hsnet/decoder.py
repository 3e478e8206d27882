"""The decoder of HSNet: its trunk and two stacks of convolutions."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from fewscape.layers import ConvStack, HypercorrelationTrunk
from fewscape.ops import resize_maps

SQUEEZED = (16, 64, 128)
WIDTH = SQUEEZED[-1]


class HypercorrelationDecoder(HypercorrelationTrunk):
    """Correlation tensors to logits (HSNet, section 4.2 and 4.3).

    Args:
        planes: correlation planes of each level, fine to coarse: one per compared map.
        align_corners: alignment of upsampling.
        support_sides: cells per side of the support on each level, fine to coarse.
    """

    def __init__(
        self,
        planes: Sequence[int],
        align_corners: bool = False,
        support_sides: tuple[int, int, int] = (32, 16, 8),
    ) -> None:
        super().__init__(planes, SQUEEZED, support_sides, align_corners)
        self.decode8 = ConvStack((WIDTH, WIDTH, WIDTH // 2), last_activation=True)
        self.decode4 = ConvStack((WIDTH // 2, WIDTH // 2, 2), last_activation=False)

    def forward(self, pairs: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits and the query map that they were decoded from.

        Args:
            pairs: (B, Hq, Wq, Hs, Ws, planes) of stride 8, 16 and 32.

        Returns:
            (B, 2, H / 4, W / 4) and (B, 128, H / 8, W / 8).
        """
        query = self.squeeze(pairs)
        hidden = self.decode8(query)
        doubled = (2 * query.shape[2], 2 * query.shape[3])
        return self.decode4(resize_maps(hidden, doubled, self.align_corners)), query
