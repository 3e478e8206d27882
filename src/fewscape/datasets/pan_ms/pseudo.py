"""Pseudo-classes of an unlabelled pair, for training."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fewscape.datasets.pan_ms.scale import PairScale
from fewscape.datasets.pan_ms.wald import average_blocks
from fewscape.raster import PanMsPair

SAMPLE = 20_000
"""Number of pixels to fit the centres on."""


def cluster_pixels(
    pair: PanMsPair,
    scale: PairScale,
    count: int,
    rng: np.random.Generator,
    valid: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.uint8]:
    """Cluster pixels by k-means to labels (h, w) from 1; 0 if the neighbours are in other clusters.

    A pixel is described by its bands and by mean and standard deviation of its panchromatic
    pixels.

    Args:
        pair: the images.
        scale: scale of the same scene.
        count: number of clusters.
        rng: random generator of the first centres.
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
