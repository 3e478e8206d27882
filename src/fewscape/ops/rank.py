"""Rank of the foreground among the support vectors nearest to a query vector (NDCG)."""

from __future__ import annotations

import torch

from fewscape.core import check_shape


@torch.no_grad()
def rank_prior(
    query: torch.Tensor,
    support: torch.Tensor,
    foreground: torch.Tensor,
    chance_correct: bool = False,
) -> torch.Tensor:
    """Normalised discounted cumulative gain of the foreground (ICPD-Net, rank information prior).

    The support vectors are sorted by Euclidean distance to the query vector. Among the k nearest,
    where k is the number of foreground vectors, the r-th contributes ``1 / log2(r + 1)`` if it is
    foreground; the sum is divided by its maximum. Ties go to the earlier position. There is no
    gradient, since ranks are steps.

    All rankings are computed at once: one product, one sort, one lookup and one weighted sum, in
    float32 even under autocast, since ranks depend on small differences.

    Args:
        query: (B, N_query, C).
        support: (B or 1, N_support, C).
        foreground: (B or 1, N_support) bool; without any foreground the prior is zero.
        chance_correct: subtract the expectation of a random ranking, which is the share of
            foreground, and rescale to [0, 1]. Otherwise large supports score high everywhere; one
            that is all foreground has no information and becomes zero.

    Returns:
        (B, N_query) float32 in [0, 1].

    Examples:
        >>> query, support = torch.zeros(1, 1, 1), torch.tensor([[[1.0], [2.0], [3.0]]])
        >>> round(rank_prior(query, support, torch.tensor([[True, False, True]])).item(), 4)
        0.6131
    """
    sizes = check_shape(query, "B N C", "query")
    kept = check_shape(support, "B N C", "support", C=sizes["C"])
    check_shape(foreground, "B N", "foreground", N=kept["N"])
    with torch.autocast(query.device.type, enabled=False):
        nearest = _comparable_distances(query.float(), support.float()).argsort(dim=2, stable=True)
        relevant = foreground[:, None, :].expand_as(nearest).gather(2, nearest)
        discounts = _discounts(foreground)  # (B or 1, N_support)
        gains = torch.matmul(relevant.float(), discounts[:, :, None])[:, :, 0]
    reached = gains / discounts.sum(dim=1, keepdim=True).clamp(min=torch.finfo(gains.dtype).tiny)
    if not chance_correct:
        return reached
    chance = foreground.float().mean(dim=1, keepdim=True)
    return ((reached - chance) / (1 - chance).clamp(min=1 / (2 * kept["N"]))).clamp(min=0)


def _comparable_distances(query: torch.Tensor, support: torch.Tensor) -> torch.Tensor:
    """(B, N_query, N_support): squared distances up to a constant per row.

    The length of a query vector does not affect the ranking. Both sides are centred first, which
    keeps distances and avoids the loss of digits to a large common part.
    """
    centre = support.mean(dim=1, keepdim=True)
    query, support = query - centre, support - centre
    squares = support.square().sum(dim=2)[:, None, :]
    return squares - 2 * torch.matmul(query, support.transpose(1, 2))


def _discounts(foreground: torch.Tensor) -> torch.Tensor:
    """Weights of the ranks, (B or 1, N): zero beyond the number of foreground vectors."""
    ranks = torch.arange(1, foreground.shape[1] + 1, device=foreground.device)
    within = ranks <= foreground.sum(dim=1, keepdim=True)
    return within / torch.log2(ranks + 1.0)
