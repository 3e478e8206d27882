"""DVPM: prior maps of one feature map for one shot (ICPD-Net)."""

from __future__ import annotations

import torch

from fewscape.models.icpd_net.config import ICPDVariant
from fewscape.models.icpd_net.fusion import gather_confident, mix_foreground
from fewscape.ops import (
    as_rows,
    average_mask,
    mean_cosine_prior,
    rank_prior,
    resize_maps,
    sample_mask,
)


def sample_shares(
    masks: torch.Tensor, size: tuple[int, int], variant: ICPDVariant
) -> tuple[torch.Tensor, torch.Tensor]:
    """Foreground share of the support's cells, for comparison and for mixing.

    Args:
        masks: (B, H, W) with 0, 1 and 255.
        size: height and width of the grid.
        variant: sets how cells are sampled.

    Returns:
        Shares (B, h, w) float32, and (B, h, w) bool: the cells that the query is mixed into.
    """
    if variant.mask_sampling == "area":
        shares, _ = average_mask(masks, size)
        return shares, shares > 0
    shares, _ = sample_mask(masks, size)
    between = resize_maps((masks == 1).float()[:, None], size)[:, 0]
    return shares, between > 0


def compare_maps(
    query: torch.Tensor,
    support: torch.Tensor,
    shares: torch.Tensor,
    mixed: torch.Tensor,
    ratings: torch.Tensor,
    variant: ICPDVariant,
    mixing: float = 0.5,
    joint_gate: bool = False,
    chance_correct: bool = False,
) -> torch.Tensor:
    """RFFM, then the cosine prior and the rank prior.

    Args:
        query: (B, C, h, w).
        support: (B or 1, C, h, w).
        shares: (B or 1, h, w) share of foreground.
        mixed: (B or 1, h, w) bool, see ``sample_shares``.
        ratings: (B, N) reliability of the query's cells.
        variant: see there.
        mixing: share of the query's prototype in the mixed cells; 0 leaves the support unchanged.
        joint_gate: mix wherever any query of the batch has a confident cell.
        chance_correct: see ``rank_prior``.

    Returns:
        (B, 2, h, w) float32; the gradient reaches the ratings only through the cosine.
    """
    rows, other = as_rows(query), as_rows(support)
    if mixing:
        prototype, confident = gather_confident(rows, ratings, variant.divide_by_weight)
        if joint_gate:
            confident = confident.any().expand_as(confident)
        other = mix_foreground(other, mixed.flatten(1), prototype, confident, mixing)
    shares = shares.flatten(1)
    cosine = mean_cosine_prior(rows, other, shares, by_share=variant.mask_sampling == "area")
    rank = rank_prior(rows, other, shares > 0, chance_correct)
    return torch.stack([cosine, rank], dim=1).view(len(query), 2, *query.shape[2:])
