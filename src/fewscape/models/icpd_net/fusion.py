"""RFFM: mixes confident query features into the support's foreground."""

from __future__ import annotations

import torch

from fewscape.ops import min_max, resize_maps

THRESHOLD = 0.7
"""Reliability above which a cell of the query represents the class (ICPD-Net, after SSP)."""


def rate_cells(prior: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Reliability (B, N) of a grid's cells: the prior (B, 1, h, w), resized and rescaled.

    A constant prior gives zeros.
    """
    return min_max(resize_maps(prior.float(), size).flatten(1))


def gather_confident(
    query: torch.Tensor, ratings: torch.Tensor, divide_by_weight: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """The prototype of the query's confident cells, with the gradient of the ratings.

    Args:
        query: (B, N, C).
        ratings: (B, N) in [0, 1].
        divide_by_weight: by the sum of the ratings instead of the number of cells.

    Returns:
        (B, C) float32, zeros without confident cells; and (B,) bool, whether there are any.
    """
    confident = ratings > THRESHOLD
    weights = ratings * confident
    total = torch.matmul(weights[:, None], query.float())[:, 0]  # (B, C)
    divisor = weights if divide_by_weight else confident.float()
    smallest = THRESHOLD if divide_by_weight else 1.0  # minimum contribution of a single cell
    return total / divisor.sum(dim=1, keepdim=True).clamp(min=smallest), confident.any(dim=1)


def mix_foreground(
    support: torch.Tensor,
    foreground: torch.Tensor,
    prototype: torch.Tensor,
    applies: torch.Tensor,
    mixing: float,
) -> torch.Tensor:
    """``(1 - a) F + a p`` in the foreground, F elsewhere.

    Args:
        support: (B or 1, N, C) vectors F.
        foreground: (B or 1, N) bool.
        prototype: (B, C) p of each query.
        applies: (B,) bool; the support of the other queries is unchanged.
        mixing: a.

    Returns:
        (B, N, C), dtype of ``support``.
    """
    amount = mixing * (foreground & applies[:, None]).to(support.dtype)  # (B, N)
    return support + amount[:, :, None] * (prototype[:, None].to(support.dtype) - support)
