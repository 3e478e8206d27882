"""Features of pixels and the guided filter, from SciPy's filters and a fit in every square."""

import numpy as np
from scipy import ndimage


def smooth(band, sigma):
    if sigma == 0:
        return band
    return ndimage.gaussian_filter(band, sigma, mode="nearest", truncate=3.0)


def box_features(image):
    """(C, H, W) float64 to (5 C, H, W): the bands, then mean and deviation in 5, then in 13."""
    maps = [*image]
    for side in (5, 13):
        squares = [_squares(band, side) for band in image]
        maps += [square.mean(axis=(2, 3)) for square in squares]
        maps += [square.std(axis=(2, 3)) for square in squares]
    return np.stack(maps)


def multiscale_features(image):
    """(C, H, W) float64 to (D, H, W)."""
    maps = [smooth(band, sigma) for sigma in (0, 1, 2, 4, 8) for band in image]
    if len(image) > 1:
        for sigma in (0, 4):
            bands = np.stack([smooth(band, sigma) for band in image])
            maps += [band / (bands.sum(axis=0) + 1e-4) for band in bands]
        for sigma in (0, 2, 8):
            bands = np.stack([smooth(band, sigma) for band in image])
            maps.append((bands.max(axis=0) - bands.min(axis=0)) / (bands.max(axis=0) + 1e-4))
    for sigma in (1, 2, 4, 8):
        maps += _describe_detail(image.mean(axis=0), sigma)
    return np.stack(maps)


def _describe_detail(brightness, sigma):
    bright = smooth(brightness, sigma)
    padded = np.pad(bright, 1, mode="edge")
    down = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    right = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    xx, yy, xy = (smooth(m, 2 * sigma) for m in (down * down, right * right, down * right))
    low, high = np.moveaxis(
        np.linalg.eigvalsh(np.stack([xx, xy, xy, yy], -1).reshape(*xx.shape, 2, 2)), -1, 0
    )
    variance = smooth(brightness**2, sigma) - bright**2
    return [np.hypot(down, right), np.sqrt(variance.clip(0)), (high - low) / (high + low + 1e-8)]


def filter_guided(band, guide, radius, added_variance):
    """In every square the line that fits best (He et al., eq. 4), then the mean of the lines."""
    side = 2 * radius + 1
    slopes, offsets = np.empty_like(band), np.empty_like(band)
    guides, bands = _squares(guide, side), _squares(band, side)
    for row, col in np.ndindex(*band.shape):
        seen = guides[row, col].ravel()
        # One more equation with the slope alone is the penalty on its square.
        penalty = [np.sqrt(len(seen) * added_variance), 0]
        equations = np.vstack([np.stack([seen, np.ones_like(seen)], axis=1), penalty])
        values = np.append(bands[row, col].ravel(), 0)
        slopes[row, col], offsets[row, col] = np.linalg.lstsq(equations, values, rcond=None)[0]
    slope, offset = (_squares(m, side).mean(axis=(2, 3)) for m in (slopes, offsets))
    return slope * guide + offset


def _squares(band, side):
    padded = np.pad(band, side // 2, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, (side, side))
