"""Convert pixels of any dtype and number of bands to RGB bytes for networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fewscape.core import DatasetError
from fewscape.raster.reading.scaling import find_limits

_MAX_SAMPLES = 1 << 20


@dataclass(frozen=True, slots=True)
class Stretch:
    """A linear map of each band to 0..255, fitted once to a whole image.

    A window must never be scaled by its own statistics: the same roof would look different in
    two windows of one image.
    """

    low: npt.NDArray[np.float32]
    """(C,) values that become 0."""
    high: npt.NDArray[np.float32]
    """(C,) values that become 255."""

    @classmethod
    def fit(cls, image: npt.NDArray[np.generic]) -> Stretch:
        """Fit the 2nd and 98th percentile of each band, like ``SceneReader``.

        Args:
            image: (C, H, W) of any dtype; non-finite values are ignored, and a band without finite
                values becomes 0.
        """
        values = image.reshape(len(image), -1)
        values = values[:, :: -(-values.shape[1] // _MAX_SAMPLES)].astype(np.float64)
        limits = np.zeros((2, len(image)), np.float32)
        for band, row in enumerate(values):
            finite = row[np.isfinite(row)]
            if finite.size:
                limits[:, band] = find_limits(finite)
        return cls(limits[0], limits[1])

    def apply(self, pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
        """Convert pixels (C, H, W) to uint8; non-finite values become 0."""
        span = np.where(self.high > self.low, self.high - self.low, np.float32(1))
        shifted = pixels.astype(np.float32) - self.low[:, None, None]
        scaled = np.nan_to_num(shifted / span[:, None, None] * 255, nan=0.0)
        return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)


class RgbScaler:
    """Converts windows of images to RGB bytes; caches the stretch of each image."""

    def __init__(self) -> None:
        self._stretches: dict[str, Stretch] = {}

    def __call__(
        self,
        name: str,
        pixels: npt.NDArray[np.generic],
        read_whole: Callable[[], npt.NDArray[np.generic]],
    ) -> npt.NDArray[np.uint8]:
        """Convert a window to RGB bytes.

        Args:
            name: unique name of the image.
            pixels: (C, H, W) of the window.
            read_whole: reads the whole image in the same bands; called once per image, and never
                for uint8, which is not scaled.

        Returns:
            (3, H, W): the first three bands, or the only one three times.

        Raises:
            DatasetError: the image has two bands.
        """
        if len(pixels) == 2:
            raise DatasetError(
                f"'{name}' has 2 bands",
                "a network needs three bands, or one that is repeated",
                "choose bands, such as 1,1,1",
            )
        if pixels.dtype != np.uint8 and name not in self._stretches:
            self._stretches[name] = Stretch.fit(read_whole()[:3])
        stretch = self._stretches.get(name)
        shown = stretch.apply(pixels[:3]) if stretch else np.asarray(pixels[:3], np.uint8)
        return shown if len(shown) == 3 else shown.repeat(3, axis=0)
