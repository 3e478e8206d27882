"""Handcrafted descriptors of a pixel's surroundings.

See docs/methods/dual_source.md#episodes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fewscape.datasets.pan_ms.scene import PixelScene

Floats = npt.NDArray[np.float32]
WINDOW = 16
"""Side of the surroundings, multispectral pixels."""


def describe_by_hand(scene: PixelScene) -> Floats:
    """Descriptors (N, 11) for sampling before the network is trained.

    Mean and standard deviation of every band over a window of 16 x 16, and of the panchromatic
    image over the same ground its mean, standard deviation and mean gradient, each with mean 0
    and variance 1 over the pixels.
    """
    from scipy.ndimage import uniform_filter

    ratio = scene.pan.shape[1] // scene.ms.shape[1]
    pan = scene.pan[0].numpy()
    steps = np.hypot(*np.gradient(pan))
    fine = [
        *_local_moments(pan, WINDOW * ratio),
        uniform_filter(steps, WINDOW * ratio, mode="mirror"),
    ]
    at_pixels = [plane[ratio // 2 :: ratio, ratio // 2 :: ratio] for plane in fine]
    coarse = [moment for band in scene.ms.numpy() for moment in _local_moments(band, WINDOW)]
    rows, cols = scene.pixels.numpy().T
    values = np.stack([plane[rows, cols] for plane in (*coarse, *at_pixels)], axis=1)
    spread = np.maximum(values.std(axis=0), 1e-6)
    scaled: Floats = ((values - values.mean(axis=0)) / spread).astype(np.float32)
    return scaled


def _local_moments(plane: Floats, side: int) -> tuple[Floats, Floats]:
    from scipy.ndimage import uniform_filter

    mean = uniform_filter(plane, side, mode="mirror")
    square = uniform_filter(plane * plane, side, mode="mirror")
    return mean, np.sqrt(np.maximum(square - mean * mean, 0))
