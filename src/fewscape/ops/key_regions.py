"""Which regions of two modalities agree (docs/methods/dual_source.md#key-regions)."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from fewscape.core import check_shape

MIN_SHARE = 0.2
"""Minimum size of the intersection, as a share of the kept regions."""


class KeyRegions(NamedTuple):
    """Regions that are important in both modalities."""

    mask: torch.Tensor
    """(B, R) bool."""
    num_completed: torch.Tensor
    """() int64, samples whose intersection was too small."""


def score_regions(own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Mean cosine of each region to all regions of the other modality.

    The mean is linear, so no matrix of all pairs is needed.

    Args:
        own: (B, R, C), each vector of length 1.
        other: likewise.

    Returns:
        (B, R).

    Examples:
        >>> same = torch.eye(2)[None]
        >>> score_regions(same, same).tolist()
        [[0.5, 0.5]]
    """
    sizes = check_shape(own, "B R C", "own")
    check_shape(other, "B R C", "other", **sizes)
    return torch.matmul(own, other.mean(dim=1)[:, :, None])[:, :, 0]


@torch.no_grad()
def select_key_regions(first: torch.Tensor, second: torch.Tensor, share: float) -> KeyRegions:
    """Select the best regions of both modalities; no gradient flows through the selection.

    Each modality keeps exactly ``k = max(1, floor(share * R))`` regions, the earlier one on ties.
    If fewer than ``max(2, ceil(k / 5))`` are in both, the remaining regions with the best mean rank
    are added.

    Args:
        first: (B, R) scores of one modality.
        second: (B, R) of the other.
        share: share of the regions to keep in each.

    Examples:
        >>> scores = torch.tensor([[0.9, 0.8, 0.1, 0.0]])
        >>> select_key_regions(scores, scores, 0.5).mask.tolist()
        [[True, True, False, False]]
    """
    sizes = check_shape(first, "B R", "first")
    check_shape(second, "B R", "second", **sizes)
    kept = max(1, math.floor(share * sizes["R"]))
    least = min(max(2, math.ceil(MIN_SHARE * kept)), sizes["R"])
    ranks = torch.stack([_rank(first), _rank(second)])
    both = (ranks < kept).all(dim=0)
    lacking = both.sum(dim=1) < least
    order = _rank(-(ranks.sum(dim=0) - 4 * sizes["R"] * both).to(torch.float64))
    completed = both | (order < least)
    mask = torch.where(lacking[:, None], completed, both)
    return KeyRegions(mask, lacking.sum())


def _rank(scores: torch.Tensor) -> torch.Tensor:
    """(B, R) descending rank of each score, from 0."""
    order = scores.argsort(dim=1, descending=True, stable=True)
    places = torch.arange(scores.shape[1], device=scores.device).expand_as(order)
    return torch.empty_like(order).scatter(1, order, places)
