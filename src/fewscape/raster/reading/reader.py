"""``SceneReader``: scaled windows of any raster that GDAL opens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fewscape.core import Closing, Window
from fewscape.raster.gdal import CACHE_BYTES
from fewscape.raster.georeference import Georeference
from fewscape.raster.grid import reflect
from fewscape.raster.opening.remote import Retry
from fewscape.raster.opening.sources import Source, to_source
from fewscape.raster.reading.masked import FileBands, MaskedBands, Validity
from fewscape.raster.reading.resolution import mean_pixel
from fewscape.raster.reading.statistics import BandStatistics

if TYPE_CHECKING:
    import rasterio

Pixels = npt.NDArray[np.float32]


class Scale(StrEnum):
    """How values are scaled to [0, 1]."""

    AUTO = "auto"
    """``none`` for uint8, ``percentile`` for every other type."""
    NONE = "none"
    """Integers are divided by the maximum of their type; floats are clipped to [0, 1]."""
    PERCENTILE = "percentile"
    """The 2nd percentile of each band of the scene becomes 0, the 98th becomes 1."""


class SceneReader(Closing):
    """A scene with chosen bands, values in [0, 1], and valid pixels.

    A pixel is valid if the mask of at least one band says so (nodata, alpha or mask band), if it
    differs from a given ``nodata``, and if all its bands are finite. Values are scaled by
    statistics of the whole scene, not of a window, so that the same ground looks the same in every
    window. Any thread may read: each has its own GDAL handle.

    Args:
        scene: GeoTIFF, PNG, JPEG or any other raster of GDAL, with or without a georeference, local
            or remote; see ``to_source``.
        bands: band numbers from 1 or names, in the order of the network; repeats are allowed, as in
            ``(1, 1, 1)``. None for all bands except alpha.
        scale: see ``Scale``.
        nodata: nodata value, if the file does not set one.
        resolution: pixel size to resample to, metres; the file's own if not given. ``grid``,
            ``height`` and ``width`` are those of the resampled scene.
        retry: retry policy of network reads.

    Raises:
        SceneError: the file is missing, unreachable, not a raster, lacks a band, or has no CRS for
            a ``resolution``.
    """

    def __init__(
        self,
        scene: Source | Path | str,
        bands: Sequence[int | str] | None = (1, 2, 3),
        scale: Scale = Scale.AUTO,
        nodata: float | None = None,
        resolution: float | None = None,
        retry: Retry | None = None,
    ) -> None:
        self.source = to_source(scene)
        self.scale = scale
        self.retry = retry or Retry()
        self._raster: MaskedBands = FileBands(self.source, bands, nodata, resolution, self.retry)

    @property
    def bands(self) -> tuple[int, ...]:
        """Numbers of the chosen bands, from 1."""
        return self._raster.numbers

    @property
    def band_names(self) -> tuple[str, ...]:
        """Names of the chosen bands for messages, such as ``band 1 red``."""
        return self._raster.names

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the file's values."""
        return self._raster.dtype

    @property
    def nodata(self) -> float | None:
        """The given nodata value."""
        return self._raster.nodata

    @property
    def grid(self) -> Georeference:
        """Grid of the pixels that are read."""
        return self._raster.grid

    @property
    def own_grid(self) -> Georeference:
        """Grid of the file's pixels; differs from ``grid`` if the scene is resampled."""
        return self._raster.own_grid

    @property
    def height(self) -> int:
        """Rows of the scene."""
        return self.grid.height

    @property
    def width(self) -> int:
        """Columns of the scene."""
        return self.grid.width

    @property
    def path(self) -> Path:
        """The file or name that results are named after; see ``Source.path``."""
        return self.source.path

    @property
    def rasters(self) -> Mapping[str, Source]:
        """The raster by its tag in a map."""
        return {"SCENE": self.source}

    @property
    def ground_resolution(self) -> float | None:
        """Pixel size at the centre in metres on the ground, or None if unknown."""
        return mean_pixel(self.grid)

    @property
    def is_resampled(self) -> bool:
        """Whether the scene is resampled."""
        return self.grid != self.own_grid

    def close(self) -> None:
        """Close the handles of all threads; reading opens new ones."""
        self._raster.close()

    def read(self, window: Window) -> tuple[Pixels, Validity]:
        """Read a window; it may extend beyond the scene's edges.

        Beyond an edge the image is reflected and nothing is valid. Invalid pixels are 0.

        Returns:
            Image (C, H, W) float32 in [0, 1] and validity (H, W).

        Raises:
            SceneError: the file is truncated or damaged there.
        """
        rows = np.arange(window.row, window.row + window.height)
        cols = np.arange(window.col, window.col + window.width)
        from_rows, from_cols = reflect(rows, self.height), reflect(cols, self.width)
        part = Window(
            *(int(axis.min()) for axis in (from_rows, from_cols)),
            *(int(np.ptp(axis)) + 1 for axis in (from_rows, from_cols)),
        )
        data, valid = self._raster.read(part)
        image = self._rescale(data, valid)
        if part == window:
            return image, valid
        cut = np.ix_(from_rows - part.row, from_cols - part.col)
        inside = np.outer((rows >= 0) & (rows < self.height), (cols >= 0) & (cols < self.width))
        return np.ascontiguousarray(image[:, cut[0], cut[1]]), valid[cut] & inside

    def read_overview(self, longest: int) -> tuple[Pixels, Validity]:
        """Read the whole scene with at most ``longest`` pixels per side: image and validity."""
        data, valid = self._raster.read_reduced(longest)
        return self._rescale(data, valid), valid

    def set_cache(self, window: int, num_bytes: int | None = None) -> rasterio.Env:
        """A GDAL environment whose block cache holds two rows of windows.

        With less, overlapping reads of compressed files decode every block several times.

        Args:
            window: window side, pixels.
            num_bytes: size of the cache, instead of the default.
        """
        import rasterio

        row_bytes = self.width * window * len(set(self.bands)) * self.dtype.itemsize
        return rasterio.Env(GDAL_CACHEMAX=num_bytes or max(CACHE_BYTES, 2 * row_bytes))

    @cached_property
    def limits(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """The values of each band that become 0 and 1, each (C,); measured once.

        Raises:
            SceneError: no pixel of the scene is valid.
        """
        if self._scale_by_percentile:
            ranges = self.statistics.ranges
            return ranges.low.astype(np.float32), ranges.high.astype(np.float32)
        if not self._raster.is_all_valid:
            _ = self.statistics  # raises if no pixel is valid
        ones = np.ones(len(self.bands), np.float32)
        return 0 * ones, np.float32(self._raster.largest) * ones

    @cached_property
    def statistics(self) -> BandStatistics:
        """Statistics of the chosen bands; measured once.

        Raises:
            SceneError: no pixel of the scene is valid.
        """
        return self._raster.measure(must_see_all=self._scale_by_percentile)

    @property
    def _scale_by_percentile(self) -> bool:
        if self.scale is Scale.AUTO:
            return bool(self.dtype != np.uint8)
        return self.scale is Scale.PERCENTILE

    def _rescale(self, data: npt.NDArray[Any], valid: Validity) -> Pixels:
        low, high = (limit[:, None, None] for limit in self.limits)
        span = np.maximum(high - low, np.finfo(np.float32).tiny)
        with np.errstate(invalid="ignore", over="ignore"):
            image: Pixels = (data.astype(np.float32) - low) / span
        image[:, ~valid] = 0
        np.clip(image, 0, 1, out=image)
        return image
