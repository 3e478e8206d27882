"""Superpixels of a panchromatic scene, shared by both sources (dual source, section 3.3)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

AREA = 64
"""Panchromatic pixels of a superpixel: 2 x 2 multispectral ones at a ratio of 4."""
COMPACTNESS = 0.3
"""Of values in [0, 1]; with the published 10 the result is a grid whatever the image shows."""
LIMITS = (1, 99)
"""Percentiles that become 0 and 1."""


def segment_pan(
    pan: npt.NDArray[np.generic], area: int = AREA, compactness: float = COMPACTNESS
) -> npt.NDArray[np.int32]:
    """Region (H, W) of each panchromatic pixel, from 0; once for a scene, so that tiles agree.

    Args:
        pan: (H, W) of any type.
        area: pixels of a superpixel.
        compactness: weight of nearness against grey value.
    """
    from skimage.segmentation import slic

    low, high = np.percentile(pan.astype(np.float64), LIMITS)
    grey = np.clip((pan - low) / max(high - low, 1e-12), 0, 1).astype(np.float32)
    regions: npt.NDArray[np.integer] = slic(
        grey,
        max(1, pan.size // area),
        compactness,
        start_label=0,
        channel_axis=None,
        enforce_connectivity=True,
    )
    return regions.astype(np.int32)
