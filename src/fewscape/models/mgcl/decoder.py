"""MGCD: from correlation tensors to logits (MGCL, section III-D)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from fewscape.layers import ConvStack, HypercorrelationTrunk
from fewscape.ops import paint_regions, pool_regions, resize_maps, weigh_cosines

SQUEEZED = (16, 32, 64)
WIDTH = SQUEEZED[-1]

PRIOR_GAIN = 10.0
"""Initial factor of the mean prior; cosines of real features differ by a few tenths."""


class MaskGuidedDecoder(HypercorrelationTrunk):
    """A narrow HSNet trunk whose query map is decoded in 2D, guided by its regions.

    Args:
        planes: correlation planes of each level (2: foreground and background).
        align_corners: alignment of upsampling.
        support_sides: cells per side of the support on each level, fine to coarse.
        num_priors: number of levels with prior maps, see ``MGCLVariant.prior``. An untrained
            decoder with priors outputs their weighted difference.
    """

    def __init__(
        self,
        planes: int = 2,
        align_corners: bool = False,
        support_sides: tuple[int, int, int] = (32, 16, 8),
        num_priors: int = 0,
    ) -> None:
        super().__init__((planes,) * 3, SQUEEZED, support_sides, align_corners)
        width = 2 * WIDTH + planes * num_priors
        self.decode8 = ConvStack((width, WIDTH, WIDTH // 2), last_activation=True)
        width = WIDTH // 2 + (planes if num_priors else 0)
        self.decode4 = ConvStack((width, WIDTH // 4, 2), last_activation=False)
        if num_priors:
            for parameter in self.decode4[-1].parameters():
                nn.init.zeros_(parameter)
            self.prior_weights = nn.Parameter(torch.full((num_priors,), PRIOR_GAIN / num_priors))

    def forward(
        self,
        pairs: Sequence[torch.Tensor],
        priors: Sequence[torch.Tensor],
        regions: torch.Tensor | None,
        num_regions: int,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits and the query map that they were decoded from.

        Args:
            pairs: (B, Hq, Wq, Hs, Ws, planes) of stride 8, 16 and 32;
                the support's sides are what the strides expect or smaller.
            priors: (B, planes, Hq, Wq) of each level, fine to coarse from stride 4, or none:
                similarity to the foreground and to the background.
            regions: (B, N) region of each query position at stride 8, or None.
            num_regions: M.

        Returns:
            (B, 2, H / 4, W / 4) and (B, 64, H / 8, W / 8).
        """
        query = self.squeeze(pairs)  # (B, 64, H / 8, W / 8)
        guided = query if regions is None else self._average(query, regions, num_regions)
        size = (query.shape[2], query.shape[3])
        at_query = [resize_maps(prior, size, self.align_corners) for prior in priors]
        hidden = self.decode8(torch.cat([query, guided, *at_query], dim=1))
        doubled = (2 * size[0], 2 * size[1])
        hidden = resize_maps(hidden, doubled, self.align_corners)
        if not priors:
            return self.decode4(hidden), query
        finest = [resize_maps(prior, doubled, self.align_corners) for prior in priors]
        logits = self.decode4(torch.cat([hidden, finest[0]], dim=1))
        return logits + weigh_cosines(finest, self.prior_weights), query

    @staticmethod
    def _average(maps: torch.Tensor, regions: torch.Tensor, num_regions: int) -> torch.Tensor:
        """Give each position the mean of its region, same shape."""
        rows = maps.flatten(2).transpose(1, 2)
        means = pool_regions(rows, regions, num_regions).to(maps.dtype)
        return paint_regions(means, regions).transpose(1, 2).reshape(maps.shape)
