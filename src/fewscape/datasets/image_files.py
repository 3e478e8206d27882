"""Read windows of image files: PNG, JPEG, TIFF and other formats of GDAL."""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fewscape.core import DatasetError, Window
from fewscape.raster.gdal import open_picture, read_strictly

MOST_BYTES = 4 << 30
"""Maximum bytes of an image that must be decoded whole; a small file may claim far more."""

Pixels = npt.NDArray[np.generic]


class ImageFiles:
    """Reads windows of the image files under one folder.

    Formats without random access (JPEG, PNG, single-strip TIFF) are decoded whole and cached, so
    that many windows of one image cost one decoding. Instances are thread-safe and picklable; the
    cache is not pickled.

    Args:
        root: folder that the paths are relative to.
        cache_bytes: cache size of decoded images in bytes.
    """

    def __init__(self, root: Path | str, cache_bytes: int = 64 << 20) -> None:
        self.root = Path(root)
        self._decoded = _DecodedImages(cache_bytes)
        self._sizes: dict[str, tuple[int, int]] = {}

    def size(self, path: str) -> tuple[int, int]:
        """Height and width from the header of the file.

        Raises:
            DatasetError: the file is missing or not an image.
        """
        if path not in self._sizes:
            with self._open(path) as opened:
                self._sizes[path] = (opened.height, opened.width)
        return self._sizes[path]

    def read(
        self, path: str, window: Window | None = None, bands: Sequence[int] | None = None
    ) -> Pixels:
        """Read a window, or the whole image.

        Args:
            path: file, relative to the root.
            window: window inside the image; None for the whole image.
            bands: band numbers from 1 in order, repeats allowed; None for all.

        Returns:
            (C, H, W) in the dtype of the file, not shared with the cache.

        Raises:
            DatasetError: the file is missing, damaged, or lacks the window or a band.
        """
        image = self._decoded.get(path)
        if image is None:
            with self._open(path) as opened:
                _check_bands(path, opened.count, bands)
                if _is_read_in_parts(opened):
                    self._check_window(path, window)
                    return self._decode(opened, window, bands)
                _check_bytes(path, opened)
                image = self._decode(opened)
            self._decoded.put(path, image)
        _check_bands(path, len(image), bands)
        self._check_window(path, window)
        chosen = image if bands is None else image[[band - 1 for band in bands]]
        part: Pixels = np.array(chosen[(slice(None), *window.slices)] if window else chosen)
        return part

    def _open(self, path: str) -> Any:  # noqa: ANN401 - a rasterio reader, untyped
        from rasterio.errors import NotGeoreferencedWarning, RasterioError

        file = self.root / path
        if not file.is_file():
            raise DatasetError(f"the file '{file}' does not exist", "", "check the root folder")
        # Permanent: a temporary filter is not thread-safe.
        warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
        try:
            return open_picture(file)
        except (RasterioError, OSError) as error:
            raise _damaged(str(file)) from error

    @staticmethod
    def _decode(
        opened: Any,  # noqa: ANN401
        window: Window | None = None,
        bands: Sequence[int] | None = None,
    ) -> Pixels:
        from rasterio.errors import RasterioError

        part = None if window is None else tuple((s.start, s.stop) for s in window.slices)
        try:
            with read_strictly():
                pixels: Pixels = opened.read(indexes=list(bands) if bands else None, window=part)
        except RasterioError as error:
            raise _damaged(opened.name) from error
        return pixels

    def _check_window(self, path: str, window: Window | None) -> None:
        if window is None:
            return
        height, width = self.size(path)
        if not is_inside(window, (height, width)):
            raise DatasetError(
                f"the window {list(window)} of '{path}' exceeds the image",
                f"the image has {height} x {width} pixels",
                "use row, column, height and width of a rectangle inside it",
            )


def is_inside(window: Window, size: tuple[int, int]) -> bool:
    """Whether a window is non-empty and inside an image of this height and width."""
    row, col, height, width = window
    fits = row >= 0 and height > 0 and row + height <= size[0]
    return fits and col >= 0 and width > 0 and col + width <= size[1]


class _DecodedImages:
    """A cache of the last used images, limited in bytes."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._images: OrderedDict[str, Pixels] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[_DecodedImages], tuple[int]]:
        return _DecodedImages, (self._max_bytes,)

    def get(self, path: str) -> Pixels | None:
        with self._lock:
            if path in self._images:
                self._images.move_to_end(path)
            return self._images.get(path)

    def put(self, path: str, image: Pixels) -> None:
        with self._lock:
            self._images[path] = image
            while sum(kept.nbytes for kept in self._images.values()) > self._max_bytes:
                self._images.popitem(last=False)


def _is_read_in_parts(opened: Any) -> bool:  # noqa: ANN401
    return bool(opened.driver == "GTiff" and opened.block_shapes[0][0] < opened.height)


def _check_bytes(path: str, opened: Any) -> None:  # noqa: ANN401
    size = np.dtype(opened.dtypes[0]).itemsize * opened.count * opened.height * opened.width
    if size > MOST_BYTES:
        raise DatasetError(
            f"'{path}' would take {size / 1e9:.1f} GB: {opened.height} x {opened.width} pixels of "
            f"{opened.count} bands that can only be read as a whole",
            f"expected at most {MOST_BYTES / 1e9:.0f} GB",
            "save it as a tiled GeoTIFF, or split it",
        )


def _check_bands(path: str, count: int, bands: Sequence[int] | None) -> None:
    missing = [band for band in bands or () if not 1 <= band <= count]
    if missing:
        raise DatasetError(
            f"'{path}' has no band {missing[0]}",
            f"it has {count}, numbered from 1",
            "choose among them",
        )


def _damaged(path: str) -> DatasetError:
    return DatasetError(
        f"'{path}' cannot be read",
        "expected a whole PNG, JPEG or TIFF file",
        "download the file again; it may be truncated",
    )
