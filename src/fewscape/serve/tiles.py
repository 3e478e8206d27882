"""Pictures of a scene for the page: square tiles in the scene's own pixels, at halved sizes."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fewscape.core import ConfigError, SceneError, Window
from fewscape.raster import Retry, Scale, SceneReader, Source, to_source
from fewscape.raster.reading.masked import FileBands

SIDE = 256
"""Of a tile, in pixels of the screen."""

QUALITY = 92
"""Of JPEG."""

MOST_VIEWS = 8
"""Choices of bands and contrast that stay open."""

Limits = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


class SceneTiles:
    """Tiles of one scene.

    Level 0 shows the whole scene in one tile; each further level has twice the resolution, and the
    last one shows pixels as they are.

    Args:
        scene: the raster.
        nodata: value without data, where the file does not say it.
    """

    def __init__(self, scene: Source | Path | str, nodata: float | None = None) -> None:
        self.source = to_source(scene)
        self.nodata = nodata
        self._views: OrderedDict[tuple[tuple[int, ...], Scale], tuple[FileBands, Limits]] = (
            OrderedDict()
        )
        self._reduced: Path | None = None
        self._lock = threading.Lock()
        with SceneReader(self.source, None, nodata=nodata) as reader:
            self.height, self.width = reader.height, reader.width
            self.num_bands = max(reader.bands)

    @property
    def last_level(self) -> int:
        """The one with one pixel of the scene for a pixel of the screen."""
        return max(0, int(np.ceil(np.log2(max(self.height, self.width) / SIDE))))

    def use_overviews(self, reduced: Path) -> None:
        """From now on read from a raster over the same pixels that has reduced copies."""
        with self._lock:
            self._reduced = reduced
            self._drop_views()

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            self._drop_views()

    def render(
        self, level: int, col: int, row: int, bands: Sequence[int], scale: Scale
    ) -> tuple[bytes, str]:
        """A tile and its media type: JPEG, or PNG where a part of it shows nothing.

        Args:
            level: from 0 to ``last_level``.
            col: of the tile, from 0.
            row: of the tile, from 0.
            bands: one, or three as red, green and blue.
            scale: how values become brightness.

        Raises:
            ConfigError: there is no such tile.
            SceneError: the file is missing or damaged, or lacks a band.
        """
        if len(bands) not in (1, 3):
            raise ConfigError(f"{len(bands)} bands were chosen", "a picture shows one or three")
        if not 0 <= level <= self.last_level:
            raise ConfigError(f"there is no level {level}", f"the last is {self.last_level}")
        factor = 2 ** (self.last_level - level)
        span = SIDE * factor
        top, left = row * span, col * span
        height, width = min(span, self.height - top), min(span, self.width - left)
        if min(top, left) < 0 or min(height, width) <= 0:
            raise ConfigError(f"there is no tile {level}/{col}/{row}", "it lies outside the scene")
        view, (low, high) = self._open(tuple(bands), scale)
        size = -(-height // factor), -(-width // factor)
        values, valid = view.read_tile(Window(top, left, height, width), size)
        return draw(_to_bytes(values, low, high), valid)

    def _open(self, bands: tuple[int, ...], scale: Scale) -> tuple[FileBands, Limits]:
        key = bands, scale
        with self._lock:
            if key in self._views:
                self._views.move_to_end(key)
                return self._views[key]
            reduced = self._reduced
        source = self.source if reduced is None else to_source(str(reduced))
        with SceneReader(source, bands, scale, self.nodata) as reader:
            limits = reader.limits
        view = FileBands(source, bands, self.nodata, None, Retry())
        with self._lock:
            self._views[key] = view, limits
            while len(self._views) > MOST_VIEWS:
                self._views.popitem(last=False)[1][0].close()
        return view, limits

    def _drop_views(self) -> None:
        for view, _ in self._views.values():
            view.close()
        self._views.clear()


def draw(picture: npt.NDArray[np.uint8], valid: npt.NDArray[np.bool_]) -> tuple[bytes, str]:
    """A picture (1 or 3, H, W) as a file and its media type, clear where nothing is valid."""
    from PIL import Image

    colours = np.broadcast_to(picture, (3, *valid.shape)).transpose(1, 2, 0)
    written = io.BytesIO()
    if valid.all() and valid.shape == (SIDE, SIDE):
        Image.fromarray(np.ascontiguousarray(colours)).save(written, "JPEG", quality=QUALITY)
        return written.getvalue(), "image/jpeg"
    full = np.zeros((SIDE, SIDE, 4), np.uint8)
    height, width = valid.shape
    full[:height, :width, :3] = colours
    full[:height, :width, 3] = valid * np.uint8(255)
    Image.fromarray(full).save(written, "PNG", compress_level=1)
    return written.getvalue(), "image/png"


def _to_bytes(
    values: npt.NDArray[Any], low: npt.NDArray[np.float32], high: npt.NDArray[np.float32]
) -> npt.NDArray[np.uint8]:
    span = np.maximum(high - low, np.finfo(np.float32).tiny)[:, None, None]
    with np.errstate(invalid="ignore", over="ignore"):
        shares = (values.astype(np.float32) - low[:, None, None]) / span
    shown: npt.NDArray[np.uint8] = np.rint(np.nan_to_num(shares).clip(0, 1) * 255).astype(np.uint8)
    return shown


def has_overviews(scene: Source) -> bool:
    """Whether a raster is small, or has reduced copies of its own.

    Raises:
        SceneError: the file is missing, damaged or no raster.
    """
    from fewscape.raster.opening.handles import Handles

    handles = Handles(scene, Retry())
    try:
        return handles.use(
            "overviews",
            lambda dataset: max(dataset.shape) <= 8 * SIDE or bool(dataset.overviews(1)),
        )
    finally:
        handles.close()


def build_overviews(scene: Source, folder: Path) -> Path:
    """A virtual raster over a scene with reduced copies beside it; the scene is not touched.

    Args:
        scene: the raster.
        folder: where the files go; reused if they are there.

    Raises:
        SceneError: the scene cannot be read, or the folder cannot be written.
    """
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.errors import RasterioError
    from rasterio.shutil import copy

    from fewscape.raster.gdal import limit_cache, update_raster
    from fewscape.raster.writing.overviews import choose_factors

    virtual = folder / "reduced.vrt"
    done = folder / "reduced.done"
    if done.exists() and virtual.exists():
        return virtual
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with limit_cache(), rasterio.Env(COMPRESS_OVERVIEW="DEFLATE", BIGTIFF_OVERVIEW="YES"):
            address = scene.address
            if Path(address).exists():
                address = str(Path(address).resolve())
            copy(address, virtual, driver="VRT")
            with update_raster(virtual) as dataset:
                dataset.build_overviews(
                    choose_factors(dataset.height, dataset.width), Resampling.average
                )
        done.touch()
    except (RasterioError, OSError) as error:
        raise SceneError(
            f"reduced copies of the scene '{scene}' cannot be made in '{folder}': {error}",
            "without them the page shows it slowly from far away",
            "make room on the disk",
        ) from error
    return virtual
