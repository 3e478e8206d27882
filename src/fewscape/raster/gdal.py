"""Wrappers around rasterio: opening, errors and caches."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from fewscape import core
from fewscape.core import SceneError
from fewscape.raster.opening.archive_paths import describe_inside
from fewscape.raster.opening.picture_kinds import find_driver, is_description, read_start

if TYPE_CHECKING:
    import rasterio
    from rasterio.io import DatasetReader, DatasetWriter
    from rasterio.windows import Window as RasterioWindow

CACHE_BYTES = 64 << 20
"""Default of GDAL's block cache while scenes are read."""


def open_quietly(address: Path | str) -> DatasetReader:
    """Open a rasterio data set without the warning about a missing georeference.

    Raises:
        RasterioError: rasterio cannot open it.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioIOError

    if not str(address).startswith("<") and is_description(Path(address)):
        raise RasterioIOError(
            "it is a text that points to other files under the suffix of an image"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with read_strictly():
            return rasterio.open(address)


def open_picture(path: Path) -> DatasetReader:
    """Open a file that must be an image, whatever its suffix.

    Raises:
        RasterioError: it is not an image, or damaged.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioIOError

    driver = find_driver(read_start(path))
    if driver is None:
        raise RasterioIOError("it is not an image (TIFF, PNG, JPEG, WebP, GIF, BMP or JPEG 2000)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with read_strictly():
            return rasterio.open(path, driver=driver)


def open_raster(path: Path | str) -> DatasetReader:
    """Open a raster for reading.

    Raises:
        SceneError: the file is missing or not a raster.
    """
    from rasterio.errors import RasterioError

    try:
        return open_quietly(path)
    except RasterioError as error:
        if not Path(path).exists():
            raise SceneError(f"the scene '{path}' does not exist", "", "check the path") from error
        raise SceneError(
            f"'{path}' is damaged or not a raster: {describe_cause(error)}",
            "expected a GeoTIFF, PNG, JPEG or another format of GDAL",
            describe_inside(Path(path))
            or "check the file, for example with 'rio info', or copy it again",
        ) from error


def update_raster(path: Path) -> DatasetWriter:
    """Open one of our own files to change it in place."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(path, "r+")


def limit_cache(num_bytes: int = 0) -> rasterio.Env:
    """A GDAL environment with a fixed block cache.

    Args:
        num_bytes: size of the cache, at least 32 MB, which is a row of 256 x 256 blocks of up to
            130,000 columns of bytes.
    """
    import rasterio

    return rasterio.Env(GDAL_CACHEMAX=max(32 << 20, num_bytes))


def read_back(path: Path, level: int | None = None) -> None:
    """Read all blocks of a finished file, since GDAL may hide a full disk.

    Args:
        path: the file.
        level: overview to read instead.

    Raises:
        RasterioError: a block is missing or damaged.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    options = {} if level is None else {"overview_level": level}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, **options) as written:
            for _, block in written.block_windows(1):
                written.read(1, window=block)


def read_strictly() -> rasterio.Env:
    """A GDAL environment in which reading a truncated PNG fails.

    GDAL's shortcut for whole PNG files leaves garbage where data is missing. It applies when a file
    is opened and when it is read, so do both inside.
    """
    import rasterio

    return rasterio.Env(GDAL_PNG_WHOLE_IMAGE_OPTIM="NO")


def to_rasterio(window: core.Window) -> RasterioWindow:
    """The window in rasterio's order of arguments."""
    from rasterio.windows import Window

    return Window(window.col, window.row, window.width, window.height)


def describe_cause(error: BaseException) -> str:
    """GDAL's original message; rasterio's own one only points to it."""
    return str(error.__cause__ or error).strip()
