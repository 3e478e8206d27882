"""Means of features over a mask or over the regions of an over-segmentation."""

from __future__ import annotations

import torch

from fewscape.core import check_shape

MIN_WEIGHT = 1e-8
"""Added to a sum of weights before dividing; far below the weight of a single pixel."""


def pool_masked(
    maps: torch.Tensor, weights: torch.Tensor, smoothing: float = MIN_WEIGHT
) -> torch.Tensor:
    """Weighted mean of the feature vectors; zeros if all weights are zero.

    Sums run in float32.

    Args:
        maps: (B, C, H, W).
        weights: (B, H, W), not negative.
        smoothing: added to the sum of weights; some papers use more than division needs.

    Returns:
        (B, C) float32.

    Examples:
        >>> maps = torch.tensor([[[[1.0, 3.0]]]])
        >>> pool_masked(maps, torch.tensor([[[0.0, 1.0]]])).item()
        3.0
    """
    sizes = check_shape(maps, "B C H W", "maps")
    check_shape(weights, "B H W", "weights", H=sizes["H"], W=sizes["W"])
    weights = weights.float()
    total = torch.einsum("bchw,bhw->bc", maps.float(), weights)
    return total / (weights.sum(dim=(1, 2)) + smoothing)[:, None]


def pool_regions(rows: torch.Tensor, regions: torch.Tensor, num_regions: int) -> torch.Tensor:
    """Mean feature vector of each region, one ``index_add`` for the whole batch.

    Absent regions have mean zero. Positions whose region is -1, or not below ``num_regions``,
    belong to no region. Sums run in float32.

    Args:
        rows: (B, N, C) feature vectors of the positions.
        regions: (B, N) integer region of each position.
        num_regions: M; static, which avoids a device synchronisation.

    Returns:
        (B, M, C) float32.

    Examples:
        >>> rows = torch.tensor([[[1.0], [3.0], [8.0]]])
        >>> pool_regions(rows, torch.tensor([[0, 0, -1]]), 2).flatten().tolist()
        [2.0, 0.0]
    """
    sizes = check_shape(rows, "B N C", "rows")
    check_shape(regions, "B N", "regions", B=sizes["B"], N=sizes["N"])
    batch, channels = sizes["B"], sizes["C"]
    slots = region_slots(regions, num_regions)  # (B, N), slot M is for positions without a region
    offsets = torch.arange(batch, device=rows.device)[:, None] * (num_regions + 1)
    flat = (slots + offsets).reshape(-1)
    sums = rows.new_zeros(batch * (num_regions + 1), channels, dtype=torch.float32)
    sums = sums.index_add(0, flat, rows.reshape(-1, channels).float())
    counts = torch.zeros_like(sums[:, :1]).index_add_(
        0, flat, torch.ones_like(flat, dtype=torch.float32)[:, None]
    )
    means = sums / counts.clamp(min=1)
    return means.view(batch, num_regions + 1, channels)[:, :num_regions]


def paint_regions(means: torch.Tensor, regions: torch.Tensor) -> torch.Tensor:
    """Give each position the vector of its region; zeros without a region.

    Args:
        means: (B, M, C) vector of each region.
        regions: (B, N) integer region of each position.

    Returns:
        (B, N, C), dtype of ``means``.

    Examples:
        >>> means = torch.tensor([[[2.0], [5.0]]])
        >>> paint_regions(means, torch.tensor([[1, -1, 0]])).flatten().tolist()
        [5.0, 0.0, 2.0]
    """
    batch, num_regions, channels = means.shape
    padded = torch.cat([means, means.new_zeros(batch, 1, channels)], dim=1)
    slots = region_slots(regions, num_regions)
    return padded.gather(1, slots[:, :, None].expand(-1, -1, channels))


def region_slots(regions: torch.Tensor, num_regions: int) -> torch.Tensor:
    """Region ids as indices into M + 1 slots; the last slot means "no region"."""
    outside = (regions < 0) | (regions >= num_regions)
    return regions.long().masked_fill(outside, num_regions)
