"""Windows of a scene as the networks want them, from any raster that GDAL opens."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from fewscape.core import SceneError, Window
from fewscape.raster.gdal import open_raster, read_strictly, tell_cause, to_rasterio
from fewscape.raster.georeference import Georeference
from fewscape.raster.grid import reflect

if TYPE_CHECKING:
    import rasterio
    from rasterio.io import DatasetReader

SAMPLE_SIDE = 1024
"""Longest side of the reduced reading from which the percentiles are taken."""

CACHE_BYTES = 64 << 20
"""Least size of GDAL's block cache, unless another one is asked for."""

LOW, HIGH = 2.0, 98.0
"""Percentiles that become 0 and 1."""

Pixels = npt.NDArray[np.float32]
Validity = npt.NDArray[np.bool_]


class Scale(StrEnum):
    """How values become numbers in [0, 1]."""

    AUTO = "auto"
    """``none`` for uint8, ``percentile`` for every other type."""
    NONE = "none"
    """Integers by the largest value of their type; floats as they are, cut to [0, 1]."""
    PERCENTILE = "percentile"
    """The 2nd percentile of each band of the scene becomes 0, the 98th becomes 1."""


class SceneReader:
    """A scene on disk: bands picked, values in [0, 1], and which pixels are valid.

    A pixel is valid if the mask of one of its bands says so (nodata, alpha or mask band), if it
    differs from ``nodata`` where that is given, and if all its bands are finite. Values are
    scaled by numbers of the whole scene, never of a window, so the same ground looks the same in
    every window. Any thread may read: each has its own GDAL handle.

    Args:
        path: GeoTIFF, PNG, JPEG or whatever else GDAL reads, with georeference or without.
        bands: 1-based bands in the order of the network; one may repeat, as in ``(1, 1, 1)``.
        scale: see ``Scale``.
        nodata: value of pixels without data, where the file does not say it.

    Raises:
        SceneError: the file is missing, no raster, or has fewer bands.
    """

    def __init__(
        self,
        path: Path | str,
        bands: Sequence[int] = (1, 2, 3),
        scale: Scale = Scale.AUTO,
        nodata: float | None = None,
    ) -> None:
        self.path = Path(path)
        self.bands = tuple(bands)
        self.scale = scale
        self.nodata = nodata
        self._local = threading.local()
        self._handles: list[DatasetReader] = []
        self._lock = threading.Lock()
        dataset = self._dataset
        self.grid = Georeference(
            dataset.height, dataset.width, dataset.transform, dataset.crs or None
        )
        self.dtype = np.dtype(dataset.dtypes[0])
        self._check_bands(dataset.count)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def height(self) -> int:
        """Rows of the scene."""
        return self.grid.height

    @property
    def width(self) -> int:
        """Columns of the scene."""
        return self.grid.width

    def close(self) -> None:
        """Close the handles of all threads."""
        with self._lock:
            for handle in self._handles:
                handle.close()
            self._handles.clear()
        self._local = threading.local()

    def read(self, window: Window) -> tuple[Pixels, Validity]:
        """A window's image and validity; it may pass the scene's edges on all sides.

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
        image, valid = self._read_inside(part)
        if part == window:
            return image, valid
        cut = np.ix_(from_rows - part.row, from_cols - part.col)
        inside = np.outer((rows >= 0) & (rows < self.height), (cols >= 0) & (cols < self.width))
        return np.ascontiguousarray(image[:, cut[0], cut[1]]), valid[cut] & inside

    def read_overview(self, longest: int) -> tuple[Pixels, Validity]:
        """The whole scene with at most ``longest`` pixels a side: image and validity."""
        data, valid = self._read_reduced(longest, smooth=True)
        return self._rescale(data, valid), valid

    def set_cache(self, window: int, num_bytes: int | None = None) -> rasterio.Env:
        """A GDAL environment whose block cache holds two rows of windows.

        With less, overlapping reads of compressed files decode every block several times.

        Args:
            window: side of the windows in pixels.
            num_bytes: size of the cache, if it is to be another one.
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
        if self._scale_by_percentile or not self._is_all_valid:
            data, valid = self._read_sample()
        if self._scale_by_percentile:
            low, high = np.percentile(data[:, valid].astype(np.float64), (LOW, HIGH), axis=1)
            return low.astype(np.float32), high.astype(np.float32)
        top = np.iinfo(self.dtype).max if np.issubdtype(self.dtype, np.integer) else 1
        ones = np.ones(len(self.bands), np.float32)
        return 0 * ones, top * ones

    @property
    def _scale_by_percentile(self) -> bool:
        if self.scale is Scale.AUTO:
            return bool(self.dtype != np.uint8)
        return self.scale is Scale.PERCENTILE

    @property
    def _is_all_valid(self) -> bool:
        """Whether the file has nothing that could make a pixel invalid."""
        from rasterio.enums import MaskFlags

        flags = self._dataset.mask_flag_enums
        masked = any(MaskFlags.all_valid not in band for band in flags)
        return not masked and self.nodata is None and self.dtype.kind != "f"

    @property
    def _dataset(self) -> DatasetReader:
        """This thread's handle."""
        if not hasattr(self._local, "dataset"):
            self._local.dataset = open_raster(self.path)
            with self._lock:
                self._handles.append(self._local.dataset)
        return self._local.dataset

    def _check_bands(self, count: int) -> None:
        wrong = [band for band in self.bands if not 1 <= band <= count]
        if not wrong:
            return
        many = "1 band" if count == 1 else f"{count} bands"
        chosen = ",".join(map(str, self.bands))
        remedy = "--bands 1,1,1 feeds one band three times" if count < 3 else "choose with --bands"
        raise SceneError(
            f"the scene '{self.path}' has {many}, but band {wrong[0]} was asked for",
            f"the model takes {len(self.bands)} bands and {chosen} were chosen",
            remedy,
        )

    def _read_inside(self, window: Window) -> tuple[Pixels, Validity]:
        data, valid = self._read_raw(window)
        return self._rescale(data, valid), valid

    def _read_raw(self, window: Window) -> tuple[npt.NDArray[Any], Validity]:
        place = to_rasterio(window)
        with self._report_damage(f"rows {window.row} to {window.row + window.height}"):
            data = self._dataset.read(list(self.bands), window=place)
            masks = self._dataset.read_masks(list(self.bands), window=place)
        return data, self._find_valid(data, masks)

    def _read_reduced(self, longest: int, smooth: bool) -> tuple[npt.NDArray[Any], Validity]:
        from rasterio.enums import Resampling

        factor = max(1.0, max(self.height, self.width) / longest)
        size = max(1, round(self.height / factor)), max(1, round(self.width / factor))
        method = Resampling.average if smooth else Resampling.nearest
        with self._report_damage("reduced"):
            data = self._dataset.read(
                list(self.bands), out_shape=(len(self.bands), *size), resampling=method
            )
            masks = self._dataset.read_masks(list(self.bands), out_shape=(len(self.bands), *size))
        return data, self._find_valid(data, masks)

    def _read_sample(self) -> tuple[npt.NDArray[Any], Validity]:
        """Reduced pixels with at least one valid, or the first strip that has one."""
        data, valid = self._read_reduced(SAMPLE_SIDE, smooth=False)
        if valid.any():
            return data, valid
        for row in range(0, self.height, 256):
            strip = Window(row, 0, min(256, self.height - row), self.width)
            data, valid = self._read_raw(strip)
            if valid.any():
                return data, valid
        raise SceneError(
            f"the scene '{self.path}' has no valid pixel",
            "its nodata value, alpha or mask band covers everything",
            "check the file, or the value given with --nodata",
        )

    def _find_valid(self, data: npt.NDArray[Any], masks: npt.NDArray[np.uint8]) -> Validity:
        valid: Validity = np.any(masks, axis=0)
        if np.issubdtype(self.dtype, np.floating):
            valid &= np.isfinite(data).all(axis=0)
        if self.nodata is not None:
            valid &= (data != self.nodata).any(axis=0)
        return valid

    def _rescale(self, data: npt.NDArray[Any], valid: Validity) -> Pixels:
        low, high = (limit[:, None, None] for limit in self.limits)
        span = np.maximum(high - low, np.finfo(np.float32).tiny)
        with np.errstate(invalid="ignore", over="ignore"):
            image: Pixels = (data.astype(np.float32) - low) / span
        image[:, ~valid] = 0
        np.clip(image, 0, 1, out=image)
        return image

    @contextmanager
    def _report_damage(self, what: str) -> Iterator[None]:
        from rasterio.errors import RasterioError

        try:
            with read_strictly():
                yield
        except (RasterioError, OSError) as error:
            raise SceneError(
                f"the scene '{self.path}' cannot be read ({what}): {tell_cause(error)}",
                "the file is truncated or damaged",
                "copy or download it again",
            ) from error
