"""Simulate panchromatic and multispectral pairs from one fine image.

See docs/methods/dual_source.md#test-scenes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fewscape.core import ConfigError, DatasetError
from fewscape.raster import PanMsPair

Floats = npt.NDArray[np.float64]

PAN_WEIGHTS = {
    "gaofen": (1 / 12, 1 / 4, 1 / 3, 1 / 3),  # 0.45 to 0.90 um: GF-1, GF-2, QuickBird, IKONOS
    "worldview": (0.15, 0.30, 0.35, 0.20),  # 0.45 to 0.80 um
    "landsat": (0.09, 0.455, 0.455, 0.0),  # 0.50 to 0.68 um
}
"""Weights of blue, green, red and near infrared in the panchromatic band."""

GAIN = 0.30
"""Default gain of a multispectral sensor at its Nyquist frequency."""
MAJORITY = 0.75
"""Minimum share of a multispectral pixel for a class to be its label."""


@dataclass(frozen=True, slots=True)
class WaldOptions:
    """Options of a simulated pair.

    Attributes:
        ratio: fine pixels per multispectral one and axis.
        gains: gain of each band at the Nyquist frequency, or one for all.
        weights: weights of the bands in the panchromatic image.
        jitter: relative change of each weight, so that the panchromatic image is not an exact sum.
        pan_snr_db: signal-to-noise ratio of the panchromatic image; None for no noise.
        ms_snr_db: signal-to-noise ratio of the bands, likewise.
        shift: maximum misregistration, multispectral pixels.
    """

    ratio: int = 4
    gains: tuple[float, ...] = (GAIN,)
    weights: tuple[float, ...] = PAN_WEIGHTS["gaofen"]
    jitter: float = 0.1
    pan_snr_db: float | None = 40.0
    ms_snr_db: float | None = 45.0
    shift: float = 0.0


def make_pair(
    image: npt.NDArray[np.generic], options: WaldOptions, rng: np.random.Generator
) -> PanMsPair:
    """Simulate the pair of a satellite.

    Each band is blurred and averaged over blocks, which together give the sensor's gain without a
    shift; an odd kernel with subsampling would shift the bands by 1.5 fine pixels.

    Args:
        image: (C, H, W) on the fine grid, sides multiples of the ratio.
        options: see ``WaldOptions``.
        rng: random generator of noise, weights and shift.

    Raises:
        ConfigError: the numbers of weights or gains do not match the bands.
        DatasetError: a side is not a multiple of the ratio.
    """
    from scipy.ndimage import gaussian_filter, shift

    bands, height, width = image.shape
    if len(options.weights) != bands or len(options.gains) not in (1, bands):
        raise ConfigError(
            f"{len(options.weights)} weights and {len(options.gains)} gains for {bands} bands",
            "expected a weight for each band, and a gain for each or one for all",
        )
    if height % options.ratio or width % options.ratio:
        raise DatasetError(
            f"an image of {height} x {width} pixels",
            f"expected multiples of the ratio {options.ratio}",
            "crop the rest",
        )
    fine = image.astype(np.float64)
    gains = options.gains * bands if len(options.gains) == 1 else options.gains
    blurred = np.stack(
        [
            gaussian_filter(band, blur_sigma(gain, options.ratio), mode="mirror")
            for band, gain in zip(fine, gains, strict=True)
        ]
    )
    if options.shift:
        moved = rng.uniform(-1, 1, 2) * options.shift * options.ratio
        blurred = shift(blurred, (0, *moved), order=1, mode="mirror")
    weights = np.array(options.weights) * (1 + options.jitter * rng.uniform(-1, 1, bands))
    pan = np.tensordot(weights / weights.sum(), fine, axes=1)
    ms = _add_noise(average_blocks(blurred, options.ratio), options.ms_snr_db, rng)
    noisy = _add_noise(pan[None], options.pan_snr_db, rng)[0]
    return PanMsPair(ms.astype(np.float32), noisy.astype(np.float32), options.ratio)


def blur_sigma(gain: float, ratio: int, block: bool = True) -> float:
    """Standard deviation in fine pixels of the Gaussian with a gain at the Nyquist frequency.

    Args:
        gain: target gain, in (0, 1).
        ratio: fine pixels per coarse one.
        block: whether a block mean follows, which has its own gain.

    Examples:
        >>> round(blur_sigma(0.30, 4, block=False), 3), round(blur_sigma(0.30, 4), 2)
        (1.976, 1.59)
    """
    block_gain = 1 / (ratio * math.sin(math.pi / (2 * ratio)))  # at the result's Nyquist frequency
    rest = min(gain / block_gain, 1.0) if block else gain
    return ratio * math.sqrt(-2 * math.log(rest)) / math.pi


def average_blocks(image: Floats, ratio: int) -> Floats:
    """(C, H, W) to (C, H / ratio, W / ratio)."""
    bands, height, width = image.shape
    blocks = image.reshape(bands, height // ratio, ratio, width // ratio, ratio)
    means: Floats = blocks.mean(axis=(2, 4))
    return means


def coarsen_labels(
    labels: npt.NDArray[np.uint8], ratio: int, num_classes: int
) -> npt.NDArray[np.uint8]:
    """Labels (h, w) of multispectral pixels: the class of at least three quarters, otherwise 0.

    Args:
        labels: (H, W) from 1, 0 unlabelled.
        ratio: fine pixels per multispectral one.
        num_classes: the largest label.
    """
    shares = np.stack(
        [
            average_blocks((labels == number)[None].astype(np.float64), ratio)[0]
            for number in range(1, num_classes + 1)
        ]
    )
    best = shares.argmax(axis=0)
    is_clear = shares.max(axis=0) >= MAJORITY
    return np.where(is_clear, best + 1, 0).astype(np.uint8)


def _add_noise(values: Floats, snr_db: float | None, rng: np.random.Generator) -> Floats:
    """Add noise whose variance is half constant and half proportional to the signal."""
    if snr_db is None:
        return values
    power = np.mean(values**2, axis=(1, 2), keepdims=True) / 10 ** (snr_db / 10)
    mean = np.abs(values).mean(axis=(1, 2), keepdims=True)
    variance = power * (0.5 + 0.5 * np.abs(values) / np.maximum(mean, 1e-12))
    noisy: Floats = values + rng.normal(size=values.shape) * np.sqrt(variance)
    return noisy
