"""All resizing; grids and rounding rules are defined only here."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F

from fewscape.core import IGNORE, check_shape

Anchor = Literal["corner", "centre"]


def resize_maps(
    maps: torch.Tensor,
    size: tuple[int, int],
    align_corners: bool = False,
    antialias: bool = False,
) -> torch.Tensor:
    """Resize maps bilinearly.

    Args:
        maps: (B, C, H, W), floating point.
        size: target height and width.
        align_corners: align the centres of the outer pixels, as HSNet and its descendants do,
            instead of their edges.
        antialias: average over everything that a coarser cell covers, as for images.

    Returns:
        (B, C, *size).

    Examples:
        >>> resize_maps(torch.ones(1, 1, 2, 2), (4, 4)).shape
        torch.Size([1, 1, 4, 4])
    """
    if maps.shape[-2:] == size:
        return maps
    return F.interpolate(
        maps, size, mode="bilinear", align_corners=align_corners, antialias=antialias
    )


def sample_nearest(
    grid: torch.Tensor, size: tuple[int, int], anchor: Anchor = "centre"
) -> torch.Tensor:
    """Sample an integer map at each cell of a coarser grid.

    Args:
        grid: (B, H, W), any dtype.
        size: height and width of the coarser grid.
        anchor: the pixel that represents a cell: its upper left ``corner`` (torch's nearest
            resizing) or its ``centre``, where convolutional features are centred.

    Returns:
        (B, *size) of the same dtype.

    Examples:
        >>> sample_nearest(torch.arange(16).reshape(1, 4, 4), (2, 2), "corner").tolist()
        [[[0, 2], [8, 10]]]
    """
    height, width = grid.shape[-2:]
    shift = 0.0 if anchor == "corner" else 0.5
    rows = _cell_indices(size[0], height, shift, grid.device)
    cols = _cell_indices(size[1], width, shift, grid.device)
    return grid[..., rows[:, None], cols]


def _cell_indices(cells: int, pixels: int, shift: float, device: torch.device) -> torch.Tensor:
    positions = (torch.arange(cells, device=device, dtype=torch.float64) + shift) * pixels / cells
    return positions.long().clamp_(max=pixels - 1)


def shrink_maps(maps: torch.Tensor, side: int) -> torch.Tensor:
    """Average maps down to at most this many cells per side; smaller ones are unchanged.

    Examples:
        >>> shrink_maps(torch.ones(1, 1, 8, 3), 4).shape
        torch.Size([1, 1, 4, 3])
    """
    height, width = (min(own, side) for own in maps.shape[2:])
    return F.adaptive_avg_pool2d(maps, (height, width))


def fit_maps(maps: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Resize maps: bilinear to a finer grid, means to a coarser one.

    Args:
        maps: (B, C, H, W), floating point.
        size: target height and width.

    Returns:
        (B, C, *size).

    Examples:
        >>> fit_maps(torch.arange(4.0).view(1, 1, 2, 2), (1, 2)).tolist()
        [[[[1.0, 2.0]]]]
    """
    coarser = (min(maps.shape[2], size[0]), min(maps.shape[3], size[1]))
    if maps.shape[2:] != coarser:
        maps = F.adaptive_avg_pool2d(maps, coarser)
    return resize_maps(maps, size)


def sample_mask(masks: torch.Tensor, size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Foreground and background at the points of a corners-aligned grid, bilinear.

    As published by HSNet, PFENet and MGCL; objects smaller than a cell fall between the points.
    Unknown pixels (255) count as neither. ``average_mask`` counts every pixel instead.

    Args:
        masks: (B, H, W) with values 0, 1 and 255.
        size: height and width of the coarser grid.

    Returns:
        Foreground and background, each (B, *size) float32 in [0, 1].

    Examples:
        >>> mask = torch.tensor([[[1, 0, 0], [0, 1, 0], [0, 0, 255]]], dtype=torch.uint8)
        >>> [side.flatten().tolist() for side in sample_mask(mask, (2, 2))]
        [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0]]
    """
    both = torch.stack([masks == 1, masks == 0], dim=1).float()
    sampled = resize_maps(both, size, align_corners=True)
    return sampled[:, 0], sampled[:, 1]


def average_mask(masks: torch.Tensor, size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Shares of foreground and background in each cell of a coarser grid.

    Unknown pixels (255) count as neither, so the two shares sum to the known share.

    Args:
        masks: (B, H, W) with values 0, 1 and 255.
        size: height and width of the coarser grid.

    Returns:
        Foreground and background, each (B, *size) float32 in [0, 1].

    Examples:
        >>> mask = torch.tensor([[[1, 1], [0, 255]]], dtype=torch.uint8)
        >>> [share.item() for share in average_mask(mask, (1, 1))]
        [0.5, 0.25]
    """
    check_shape(masks, "B H W", "masks")
    foreground = (masks == 1).float()
    known = (masks != IGNORE).float()
    shares = F.adaptive_avg_pool2d(torch.stack([foreground, known - foreground], dim=1), size)
    return shares[:, 0], shares[:, 1]
