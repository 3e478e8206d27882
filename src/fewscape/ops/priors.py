"""Prior maps: similarity of each query position to the support, without learned parameters."""

from __future__ import annotations

import torch

PRIOR_EPSILON = 1e-7
"""Added to products of norms and to the range of values, as PFENet does."""


def max_cosine_prior(
    query: torch.Tensor,
    support: torch.Tensor,
    shares: torch.Tensor,
    count_shares: bool = False,
) -> torch.Tensor:
    """The largest cosine with any masked support position, rescaled to [0, 1] per image.

    PFENet (Tian et al. 2020, section 3.2, equations 2 to 5). A support position outside the mask
    is the zero vector and has cosine zero. Computed in float32.

    Args:
        query: (B, N, C) vectors.
        support: (B or 1, N_support, C) vectors.
        shares: (B or 1, N_support) share of the mask in each position, in [0, 1]; the vectors are
            multiplied by it.
        count_shares: multiply the cosines by the shares too. As published, any share above zero
            counts fully, since cosines ignore the length of vectors.

    Returns:
        (B, N) float32; zeros if all positions are equal.

    Examples:
        >>> query = torch.tensor([[[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]])
        >>> prior = max_cosine_prior(query, torch.tensor([[[2.0, 0.0]]]), torch.ones(1, 1))
        >>> prior.round(decimals=3)
        tensor([[1.0000, 0.7070, 0.0000]])
    """
    shares = shares.float()
    norms = torch.linalg.vector_norm(support.float(), dim=2) * shares  # (B or 1, N_support)
    own = torch.linalg.vector_norm(query.float(), dim=2)  # (B, N)
    dots = torch.matmul(query, support.transpose(1, 2)).float() * shares[:, None]
    cosines = dots / (own[:, :, None] * norms[:, None] + PRIOR_EPSILON)
    if count_shares:
        cosines = cosines * shares[:, None]
    return min_max(cosines.amax(dim=2))


def min_max(
    values: torch.Tensor, epsilon: float = PRIOR_EPSILON, detach: bool = False
) -> torch.Tensor:
    """Shift and scale each row of (B, N) to [0, 1]; zeros if a row is constant.

    Args:
        values: (B, N).
        epsilon: added to the range; must be far below meaningful ranges.
        detach: stop the gradient through the extremes, which are single positions.

    Examples:
        >>> min_max(torch.tensor([[2.0, 3.0, 4.0], [5.0, 5.0, 5.0]])).round(decimals=3)
        tensor([[0.0000, 0.5000, 1.0000],
                [0.0000, 0.0000, 0.0000]])
    """
    ends = values.detach() if detach else values
    lowest, highest = ends.amin(1, keepdim=True), ends.amax(1, keepdim=True)
    return (values - lowest) / (highest - lowest + epsilon)
