"""Edge-preserving smoothing with a guide image."""

from __future__ import annotations

import torch

from fewscape.ops.texture import average_square


def filter_guided(
    maps: torch.Tensor, guide: torch.Tensor, radius: int, added_variance: float
) -> torch.Tensor:
    """Smooth maps where the guide is flat, and keep its edges.

    In every square the result is a linear function of the guide; each pixel averages the functions
    of all squares that contain it (He, Sun and Tang, Guided Image Filtering, TPAMI 2013, eq. 5 to
    8). Edges are repeated.

    Args:
        maps: (B, K, H, W) float32.
        guide: (B, 1, H, W) float32.
        radius: radius of the squares, whose side is 2 radius + 1.
        added_variance: variance of the guide below which a square counts as flat.

    Examples:
        >>> flat = torch.zeros(1, 1, 8, 8)
        >>> filter_guided(torch.ones(1, 2, 8, 8), flat, 2, 0.1).allclose(torch.ones(1, 2, 8, 8))
        True
    """
    side = 2 * radius + 1
    mean_guide, mean = average_square(guide, side), average_square(maps, side)
    variance = average_square(guide * guide, side) - mean_guide * mean_guide
    covariance = average_square(guide * maps, side) - mean_guide * mean
    slope = covariance / (variance.clamp(min=0) + added_variance)
    offset = mean - slope * mean_guide
    return average_square(slope, side) * guide + average_square(offset, side)
