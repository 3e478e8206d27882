"""The few places where rasterio's habits and ours differ."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from fewscape import core
from fewscape.core import SceneError
from fewscape.raster.opening.archive_paths import tell_inside
from fewscape.raster.opening.picture_kinds import find_driver, is_description, read_start

if TYPE_CHECKING:
    import rasterio
    from rasterio.io import DatasetReader, DatasetWriter
    from rasterio.windows import Window as RasterioWindow


def open_quietly(address: Path | str) -> DatasetReader:
    """A rasterio data set for reading; silent about pictures that lie nowhere on the ground.

    Raises:
        RasterioError: rasterio cannot open it.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioIOError

    if not str(address).startswith("<") and is_description(Path(address)):
        raise RasterioIOError("it is a text that tells of other files, and not called one")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with read_strictly():
            return rasterio.open(address)


def open_picture(path: Path) -> DatasetReader:
    """A rasterio data set of a file that has to be a picture, whatever it is called.

    Raises:
        RasterioError: it is none, or damaged.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioIOError

    driver = find_driver(read_start(path))
    if driver is None:
        raise RasterioIOError("it is no picture: no TIFF, PNG, JPEG, WebP, GIF, BMP or JPEG 2000")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with read_strictly():
            return rasterio.open(path, driver=driver)


def open_raster(path: Path | str) -> DatasetReader:
    """A rasterio data set for reading.

    Raises:
        SceneError: the file is missing or no raster.
    """
    from rasterio.errors import RasterioError

    try:
        return open_quietly(path)
    except RasterioError as error:
        if not Path(path).exists():
            raise SceneError(f"the scene '{path}' does not exist", "", "check the path") from error
        raise SceneError(
            f"'{path}' is damaged or not a raster: {tell_cause(error)}",
            "expected a GeoTIFF, PNG, JPEG or another format of GDAL",
            tell_inside(Path(path))
            or "check the file, for instance with 'rio info', or copy it again",
        ) from error


def update_raster(path: Path) -> DatasetWriter:
    """A rasterio data set of one of our own files, for changing it in place."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(path, "r+")


def limit_cache(num_bytes: int = 0) -> rasterio.Env:
    """A GDAL environment with a block cache that does not grow with the machine.

    Args:
        num_bytes: of blocks that are kept, at least 32 MB. Those hold a row of blocks of 256
            rows, up to 130,000 columns of bytes.
    """
    import rasterio

    return rasterio.Env(GDAL_CACHEMAX=max(32 << 20, num_bytes))


def read_back(path: Path, level: int | None = None) -> None:
    """Read all blocks of a finished file: GDAL may meet a full disk without telling.

    Args:
        path: the file.
        level: number of the reduced copy to read instead.

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

    GDAL's shortcut for whole PNG files leaves chance values where the data is missing. It is
    decided on when a file is opened and again when it is read, so both belong inside.
    """
    import rasterio

    return rasterio.Env(GDAL_PNG_WHOLE_IMAGE_OPTIM="NO")


def to_rasterio(window: core.Window) -> RasterioWindow:
    """The window in rasterio's order of arguments."""
    from rasterio.windows import Window

    return Window(window.col, window.row, window.width, window.height)


def tell_cause(error: BaseException) -> str:
    """What GDAL said first; rasterio's own sentence only points to it."""
    return str(error.__cause__ or error).strip()
