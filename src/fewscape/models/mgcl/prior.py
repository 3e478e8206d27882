"""Cosines to the prototypes of foreground and background, with region means appended to vectors."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from fewscape.ops import EPSILON, joined_norms, paint_regions


def learn_prototypes(
    rows: torch.Tensor, means: torch.Tensor, regions: torch.Tensor, shares: torch.Tensor
) -> torch.Tensor:
    """Weighted sums of the vectors ``[F; Z[L]]``, normalised to length one.

    A side without any share has a zero prototype with similarity zero.

    Args:
        rows: (B, N, C) vectors of the support.
        means: (B, M, C) means of its regions.
        regions: (B, N) region of each position, -1 none.
        shares: (B, K, N) weights of each prototype, not negative.

    Returns:
        (B, K, 2C) float32.
    """
    joined = torch.cat([rows, paint_regions(means, regions)], dim=2).float()
    return F.normalize(torch.bmm(shares.float(), joined), dim=2)


def prototype_cosines(
    rows: torch.Tensor, means: torch.Tensor, regions: torch.Tensor, prototypes: torch.Tensor
) -> torch.Tensor:
    """Cosine of every vector ``[F; Z[L]]`` with every prototype, without concatenation.

    The region half of the prototype is compared only with the M means, and each position looks up
    its region's value.

    Args:
        rows: (B, N, C) vectors of the query.
        means: (B, M, C) means of its regions.
        regions: (B, N) region of each position, -1 none.
        prototypes: (B or 1, K, 2C), each of length one or zero.

    Returns:
        (B, K, N) float32.
    """
    own, of_regions = prototypes.to(rows.dtype).transpose(1, 2).chunk(2, dim=1)  # (B, C, K) each
    dots = torch.matmul(rows, own) + paint_regions(torch.matmul(means, of_regions), regions)
    norms = joined_norms(rows, means, regions) + EPSILON
    return (dots.float() / norms[:, :, None]).transpose(1, 2)
