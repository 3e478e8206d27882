"""Mean similarity of query vectors to the foreground of the support."""

from __future__ import annotations

import torch

from fewscape.core import check_shape
from fewscape.ops.correlation import EPSILON, correlate, share_scale, support_scale


def mean_cosine_prior(
    query: torch.Tensor, support: torch.Tensor, shares: torch.Tensor, by_share: bool = True
) -> torch.Tensor:
    """Mean of the clamped cosine over the foreground (PCFNet, ICPD-Net), without rescaling.

    Args:
        query: (B, N_query, C).
        support: (B or 1, N_support, C); the gradient reaches both.
        shares: (B or 1, N_support) share of foreground in [0, 1]; all zero gives zero.
        by_share: weight every position by its share. Otherwise, as published, every position with
            any foreground counts fully in the sum but by its share in the divisor, so that the
            result can exceed one at partially covered positions.

    Returns:
        (B, N_query) float32, not negative.

    Examples:
        >>> vectors = torch.tensor([[[3.0, 4.0], [-3.0, -4.0]]])
        >>> prior = mean_cosine_prior(vectors, vectors[:, :1], torch.ones(1, 1))
        >>> [round(value, 3) for value in prior[0].tolist()]
        [1.0, 0.0]
    """
    sizes = check_shape(query, "B N C", "query")
    kept = check_shape(support, "B N C", "support", C=sizes["C"])
    check_shape(shares, "B N", "shares", N=kept["N"])
    shares = shares.float()
    norms = torch.linalg.vector_norm(support.float(), dim=2)
    scale = (share_scale if by_share else support_scale)(norms, shares)  # (B or 1, N_support)
    cosines = correlate(query, support).float().relu() * scale[:, None, :]
    return cosines.sum(dim=2) / (shares.sum(dim=1, keepdim=True) + EPSILON)
