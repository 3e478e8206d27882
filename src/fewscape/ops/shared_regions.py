"""Regions of a fine grid, pooled from maps of a coarser one.

See docs/methods/dual_source.md#superpixels.
"""

from __future__ import annotations

import torch

from fewscape.core import ShapeError, check_shape


def region_membership(labels: torch.Tensor, ratio: int) -> torch.Tensor:
    """Share of each coarse cell that every region covers.

    Args:
        labels: (ratio * h, ratio * w) region of each fine pixel, from 0.
        ratio: fine pixels per cell and axis.

    Returns:
        (M, h * w) sparse float32; every column sums to 1.

    Raises:
        ShapeError: the fine grid is not a multiple of the coarse one.

    Examples:
        >>> labels = torch.tensor([[0, 0, 1, 1], [0, 1, 1, 1]])
        >>> region_membership(labels, 2).to_dense().tolist()
        [[0.75, 0.0], [0.25, 1.0]]
    """
    sizes = check_shape(labels, "H W", "labels")
    if sizes["H"] % ratio or sizes["W"] % ratio:
        raise ShapeError(
            f"region labels of {sizes['H']} x {sizes['W']} pixels",
            f"both sides must be multiples of the ratio {ratio}",
        )
    width = sizes["W"] // ratio
    rows = torch.arange(sizes["H"], device=labels.device) // ratio
    cols = torch.arange(sizes["W"], device=labels.device) // ratio
    cells = rows[:, None] * width + cols
    count = int(labels.max()) + 1
    size = count, (sizes["H"] // ratio) * width
    places = torch.stack([labels.flatten().long(), cells.flatten()])
    shares = torch.full((places.shape[1],), 1 / ratio**2, device=labels.device)
    return torch.sparse_coo_tensor(places, shares, size, check_invariants=False).coalesce()


def share_regions(maps: torch.Tensor, membership: torch.Tensor) -> torch.Tensor:
    """Give every cell the means of its regions, weighted by their shares.

    Both modalities use the same membership, so their regions match. Region vectors are means over
    cells weighted by shares; no region is empty.

    Args:
        maps: (B, C, h, w), all of the same scene.
        membership: (M, h * w) of ``region_membership``.

    Returns:
        (B, C, h, w), float32 or wider.

    Examples:
        >>> membership = region_membership(torch.tensor([[0, 0, 1, 1], [0, 0, 1, 1]]), 2)
        >>> share_regions(torch.tensor([[[[1.0, 5.0]]]]), membership).tolist()
        [[[[1.0, 5.0]]]]
    """
    batch, channels = maps.shape[:2]
    cells = maps.flatten(2).reshape(batch * channels, -1).t()  # (h * w, B * C)
    wide = cells if cells.dtype == torch.float64 else cells.float()
    members = membership.to(wide.dtype)
    sizes = torch.sparse.sum(members, dim=1).to_dense()[:, None]
    regions = torch.sparse.mm(members, wide) / sizes
    painted: torch.Tensor = torch.sparse.mm(members.t(), regions)
    return painted.t().reshape(maps.shape)
