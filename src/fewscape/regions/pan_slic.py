"""Superpixels of a panchromatic scene, shared by both sources.

See docs/methods/dual_source.md#superpixels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fewscape.raster.reading.scaling import find_limits, stretch

AREA = 64
"""Panchromatic pixels of a superpixel: 2 x 2 multispectral ones at a ratio of 4."""
COMPACTNESS = 0.3
"""Compactness for values in [0, 1]; with the published 10 the result is a grid whatever the
image."""
LIMITS = (1, 99)
"""Percentiles that become 0 and 1."""


Limits = tuple[float, float]


def grey_limits(pan: npt.NDArray[np.generic]) -> Limits:
    """Find the grey values that become 0 and 1."""
    low, high = find_limits(pan.ravel(), *LIMITS)
    return float(low), float(high)


def segment_pan(
    pan: npt.NDArray[np.generic],
    area: int = AREA,
    compactness: float = COMPACTNESS,
    limits: Limits | None = None,
) -> npt.NDArray[np.int32]:
    """Segment a whole panchromatic scene into regions (H, W) from 0.

    Args:
        pan: (H, W) of any type.
        area: pixels of a superpixel.
        compactness: weight of distance against grey value.
        limits: see ``grey_limits``; those of ``pan`` if not given.
    """
    from skimage.segmentation import slic

    low, high = limits or grey_limits(pan)
    regions: npt.NDArray[np.integer] = slic(
        stretch(pan, low, high),
        max(1, pan.size // area),
        compactness,
        start_label=0,
        channel_axis=None,
        enforce_connectivity=True,
    )
    return regions.astype(np.int32)


def bound_regions(regions: npt.NDArray[np.int32], most: int) -> npt.NDArray[np.int32]:
    """Split regions that are wider or higher than ``most`` along a grid of that step.

    Examples:
        >>> bound_regions(np.zeros((1, 5), np.int32), 2).tolist()
        [[0, 0, 1, 1, 2]]
    """
    from scipy.ndimage import find_objects

    places = find_objects(regions + 1)
    sides = np.array([max(s.stop - s.start for s in place) if place else 0 for place in places])
    rows, cols = (np.arange(side) // most for side in regions.shape)
    cells = np.where((sides > most)[regions], rows[:, None] * len(cols) + cols + 1, 0)
    pairs = regions.astype(np.int64) * (int(cells.max()) + 1) + cells
    return np.unique(pairs, return_inverse=True)[1].reshape(regions.shape).astype(np.int32)
