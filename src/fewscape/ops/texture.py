"""Colour and texture around each pixel, at several scales."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

SMOOTHING = (0.0, 1.0, 2.0, 4.0, 8.0)
"""Standard deviations of the Gaussians that smooth colours, pixels."""

DETAIL = (1.0, 2.0, 4.0, 8.0)
"""Scales of gradients, deviations and directions, pixels."""

TRUNCATE = 3.0
"""Radius of Gaussians in standard deviations."""

BOXES = (5, 13)
"""Sides of the squares of the classical texture features, pixels."""

_TINY = 1e-4
"""Below the noise of 8-bit values; keeps quotients finite on black pixels."""


def smooth_gaussian(maps: torch.Tensor, sigma: float) -> torch.Tensor:
    """Smooth each map with a Gaussian; edges are repeated.

    Args:
        maps: (B, C, H, W) float.
        sigma: standard deviation in pixels; 0 for no smoothing.

    Examples:
        >>> smooth_gaussian(torch.ones(1, 1, 4, 4), 2.0).allclose(torch.ones(1, 1, 4, 4))
        True
    """
    if sigma <= 0:
        return maps
    radius = max(1, math.ceil(TRUNCATE * sigma))
    offsets = torch.arange(-radius, radius + 1, device=maps.device, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    return _convolve(maps, (kernel / kernel.sum()).to(maps.dtype))


def average_square(maps: torch.Tensor, side: int) -> torch.Tensor:
    """Mean over a square around each pixel, (B, C, H, W); edges are repeated."""
    kernel = torch.full((side,), 1 / side, device=maps.device, dtype=maps.dtype)
    return _convolve(maps, kernel)


def box_features(images: torch.Tensor, stride: int = 1) -> torch.Tensor:
    """Bands, then their mean and deviation in squares of 5 and of 13 pixels: (B, 5 C, h, w).

    The usual inputs of maximum likelihood and random forests in a GIS.

    Args:
        images: (B, C, H, W) float in [0, 1].
        stride: pixels per cell, 1 or 2. With 2, the squares are a pixel wider.

    Examples:
        >>> box_features(torch.rand(1, 3, 16, 16)).shape
        torch.Size([1, 15, 16, 16])
    """
    cells, squares = pool_cells(images, stride), pool_cells(images * images, stride)
    maps = [cells]
    for side in BOXES:
        own = side if stride == 1 else side // stride // 2 * 2 + 1
        mean = average_square(cells, own)
        maps += [mean, _deviation(average_square(squares, own), mean)]
    return torch.cat(maps, dim=1)


def multiscale_features(images: torch.Tensor, stride: int = 1) -> torch.Tensor:
    """Colour, edges and texture of a pixel and up to about 24 pixels around it.

    In this order: the bands smoothed at each scale of ``SMOOTHING``; for two or more bands, their
    shares of the brightness at 0 and 4 pixels and the saturation at 0, 2 and 8; at each scale of
    ``DETAIL`` the gradient magnitude of the brightness, its deviation, and the coherence of the
    structure tensor (0 to 1).

    The features are of the same kinds as in ilastik's pixel classification (Berg et al., Nature
    Methods 2019).

    Args:
        images: (B, C, H, W) float in [0, 1].
        stride: pixels per cell, 1 or 2. Cells of 2 x 2 pixels are averaged before all wider
            features, which takes a quarter of the time.

    Returns:
        (B, D, H / stride, W / stride) with D = 5 C + 12 for one band, 7 C + 15 for more.

    Examples:
        >>> multiscale_features(torch.rand(1, 3, 16, 16), stride=2).shape
        torch.Size([1, 36, 8, 8])
    """
    cells = pool_cells(images, stride)
    smoothed = {
        sigma: smooth_gaussian(cells, sigma / stride)
        if sigma > 1
        else pool_cells(smooth_gaussian(images, sigma), stride)
        for sigma in SMOOTHING
    }
    maps = list(smoothed.values())
    if images.shape[1] > 1:
        for sigma in (0.0, 4.0):
            bands = smoothed[sigma]
            maps.append(bands / (bands.sum(dim=1, keepdim=True) + _TINY))
        for sigma in (0.0, 2.0, 8.0):
            bands = smoothed[sigma]
            most, least = bands.amax(dim=1, keepdim=True), bands.amin(dim=1, keepdim=True)
            maps.append((most - least) / (most + _TINY))
    brightness = images.mean(dim=1, keepdim=True)
    square = brightness * brightness
    fine = _describe_detail(brightness, square, DETAIL[0])
    maps.append(pool_cells(fine, stride))
    brightness, square = pool_cells(brightness, stride), pool_cells(square, stride)
    maps += [_describe_detail(brightness, square, sigma / stride) for sigma in DETAIL[1:]]
    return torch.cat(maps, dim=1)


def _describe_detail(brightness: torch.Tensor, square: torch.Tensor, sigma: float) -> torch.Tensor:
    """Gradient, deviation and coherence at one scale, (B, 3, H, W)."""
    smooth = smooth_gaussian(brightness, sigma)
    down, right = _gradient(smooth)
    products = torch.cat([down * down, right * right, down * right], dim=1)
    xx, yy, xy = smooth_gaussian(products, 2 * sigma).chunk(3, dim=1)
    spread = torch.sqrt(((xx - yy) ** 2 + 4 * xy * xy).clamp(min=0))
    return torch.cat(
        [
            torch.sqrt(products[:, :1] + products[:, 1:2]),
            _deviation(smooth_gaussian(square, sigma), smooth),
            spread / (xx + yy + _TINY**2),
        ],
        dim=1,
    )


def pool_cells(maps: torch.Tensor, stride: int) -> torch.Tensor:
    """The mean of each cell of ``stride`` x ``stride`` pixels."""
    return maps if stride == 1 else F.avg_pool2d(maps, stride)


def multiscale_reach() -> int:
    """Context of ``multiscale_features`` on each side, pixels."""
    scale = max(DETAIL)
    return math.ceil(TRUNCATE * scale) + 1 + math.ceil(TRUNCATE * 2 * scale)


def box_reach() -> int:
    """Context of ``box_features`` on each side, pixels."""
    return max(BOXES) // 2


def _convolve(maps: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """Convolve rows and columns of each map with one kernel.

    A product with a band matrix on each side takes a fifth of the time of a single-channel
    convolution.
    """
    height, width = maps.shape[2:]
    return _band(height, kernel) @ maps @ _band(width, kernel).T


def _band(length: int, kernel: torch.Tensor) -> torch.Tensor:
    """Band matrix (length, length) of the weights; edges are repeated."""
    radius = len(kernel) // 2
    places = torch.arange(length, device=kernel.device)
    band = torch.zeros(length, length, device=kernel.device, dtype=kernel.dtype)
    for offset, value in enumerate(kernel, start=-radius):
        source = (places + offset).clamp(0, length - 1)
        band[places, source] += value
    return band


def _gradient(maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Central differences down and to the right."""
    padded = F.pad(maps, (1, 1, 1, 1), mode="replicate")
    down = (padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]) / 2
    right = (padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]) / 2
    return down, right


def _deviation(mean_square: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
    return torch.sqrt((mean_square - mean * mean).clamp(min=0))
