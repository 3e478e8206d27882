"""Scaling of panchromatic and multispectral values to network input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fewscape.core import DatasetError
from fewscape.raster import PanMsPair
from fewscape.raster.reading.scaling import find_limits

Floats = npt.NDArray[np.float32]
CUT_PERCENTILES = (0.1, 99.9)
"""Percentiles at which values are clipped before mean and standard deviation."""


@dataclass(frozen=True, slots=True)
class PairScale:
    """The scaling of a sensor's values, stored with the network.

    Attributes:
        low: (C + 1,) lower clipping values of the bands and the panchromatic image.
        high: (C + 1,) upper clipping values.
        mean: (C + 1,) means of the clipped values.
        std: (C + 1,) standard deviations, likewise.
    """

    low: Floats
    high: Floats
    mean: Floats
    std: Floats

    @classmethod
    def fit(cls, pair: PanMsPair, valid: npt.NDArray[np.bool_] | None = None) -> PairScale:
        """Fit to the valid pixels of a scene or its training area.

        Args:
            pair: the images.
            valid: (h, w) on the multispectral grid; all pixels if not given.

        Raises:
            DatasetError: no pixel is valid.
        """
        if valid is None:
            valid = np.ones(pair.ms.shape[1:], bool)
        if not valid.any():
            raise DatasetError("no pixel of the pair is valid", "", "check its nodata value")
        fine = np.kron(valid, np.ones((pair.ratio, pair.ratio), bool))
        rows = [*(band[valid] for band in pair.ms), pair.pan[fine]]
        limits = [find_limits(row, *CUT_PERCENTILES) for row in rows]
        cut = [np.clip(row, *both) for row, both in zip(rows, limits, strict=True)]
        low, high = np.array(limits, np.float32).T
        mean = np.array([row.mean() for row in cut], np.float32)
        std = np.array([max(float(row.std()), 1e-6) for row in cut], np.float32)
        return cls(low, high, mean, std)

    def apply(self, pair: PanMsPair) -> tuple[Floats, Floats]:
        """Scale bands (C, h, w) and panchromatic image (1, H, W) to mean 0 and variance 1."""
        bands = len(pair.ms)
        return self._rescale(pair.ms, slice(0, bands)), self._rescale(
            pair.pan[None], slice(bands, bands + 1)
        )

    def _rescale(self, values: npt.NDArray[np.generic], rows: slice) -> Floats:
        low, high, mean, std = (
            part[rows, None, None] for part in (self.low, self.high, self.mean, self.std)
        )
        scaled: Floats = (np.clip(values.astype(np.float32), low, high) - mean) / std
        return scaled
