"""Pseudo-classes of a pair without labels, so that it can serve for training."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fewscape.datasets.pan_ms.scale import PairScale
from fewscape.datasets.pan_ms.wald import average_blocks
from fewscape.raster import PanMsPair

SAMPLE = 20_000
"""Pixels from which the centres are found."""


def cluster_pixels(
    pair: PanMsPair,
    scale: PairScale,
    count: int,
    rng: np.random.Generator,
    valid: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.uint8]:
    """Labels (h, w) from 1 by k-means; 0 where the neighbours belong to other clusters.

    A pixel is described by its bands and by mean and standard deviation of its panchromatic
    pixels.

    Args:
        pair: the images.
        scale: of the same scene.
        count: clusters.
        rng: of the first centres.
        valid: (h, w); invalid pixels get 0.
    """
    from scipy.cluster.vq import kmeans2
    from scipy.ndimage import maximum_filter, minimum_filter

    ms, pan = scale.apply(pair)
    mean = average_blocks(pan.astype(np.float64), pair.ratio)
    square = average_blocks(pan.astype(np.float64) ** 2, pair.ratio)
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    rows = np.concatenate([ms, mean, spread / max(float(spread.std()), 1e-6)])
    rows = rows.reshape(len(rows), -1).T
    usable = np.ones(len(rows), bool) if valid is None else valid.ravel()
    chosen = rng.permutation(np.flatnonzero(usable))[:SAMPLE]
    centres, _ = kmeans2(rows[chosen], count, minit="++", rng=rng)
    distance = ((rows[:, None] - centres[None]) ** 2).sum(axis=2)
    labels = (distance.argmin(axis=1) + 1).astype(np.uint8)
    labels[~usable] = 0
    plane = labels.reshape(pair.ms.shape[1:])
    is_pure = maximum_filter(plane, 3) == minimum_filter(plane, 3)
    return np.where(is_pure, plane, 0).astype(np.uint8)
