"""Read label rasters, one class id per pixel, as polygons of equal pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from fewscape.core import IGNORE, ExamplesError
from fewscape.datasets.folder import as_labels, read_classes, read_colours
from fewscape.datasets.present_classes import MASK_TABLE
from fewscape.mapping.examples.drawn_scene import DrawnScene, format_bounds
from fewscape.mapping.examples.reserved_names import AREA, BACKGROUND, UNKNOWN, fold_case
from fewscape.raster import Georeference
from fewscape.raster.gdal import describe_cause, open_raster, read_strictly
from fewscape.raster.georeference import is_same_place, reproject
from fewscape.raster.ground_control import find_control
from fewscape.raster.writing.palette import Colour

RASTERS = (".png", ".tif", ".tiff", ".bmp", ".gif", ".vrt")
"""Suffixes of label rasters; all other files are read as vectors."""

SHIFT_MOST = 0.5
"""Tolerated offset between a label raster and its scene, pixels."""

NO_LABEL = -1
"""Label of pixels of unknown class, besides ids from 0 to 255."""

Geometries = npt.NDArray[np.object_]
Zero = Literal["auto", "background", "unknown"]


def read_label_raster(path: Path, scene: DrawnScene, zero: Zero) -> dict[str, Geometries]:
    """Read a label raster as polygons of each class, in columns and rows.

    Raises:
        ExamplesError: the file is missing or damaged, differs from the scene in size or position,
            or has ids that its ``classes.json`` does not name.
    """
    if not path.exists():
        raise ExamplesError(f"the examples '{path}' do not exist", "", "check the path")
    read, grid = _read_band(path)
    _check_grid(path, grid, scene)
    size = grid.height, grid.width
    names, ignore = _read_names(path, zero)
    labels = read.astype(np.int16)
    labels[(labels == ignore) | ((labels == IGNORE) & (IGNORE not in names))] = NO_LABEL
    ids = sorted(set(np.unique(labels).tolist()) - {NO_LABEL})
    _check_names(path, names, ids)
    if ids == [0] and (read == IGNORE).any() and zero != "unknown":
        raise ExamplesError(
            f"the label raster '{path}' contains only 0 and {IGNORE}",
            f"{IGNORE} means that the class is unknown",
            f"if it is a class, write a file classes.json beside it: {MASK_TABLE}",
        )
    polygons: dict[str, list[object]] = {}
    for outline, number in _outline(labels):
        if number == 0 and zero == "unknown":
            continue
        name = UNKNOWN if number == NO_LABEL else names.get(number, f"class_{number}")
        polygons.setdefault(name, []).append(outline)
    frame = _outline(np.zeros(size, np.int16))  # every pixel has a label
    if zero != "unknown":
        polygons[AREA] = [outline for outline, _ in frame]
    return {name: np.array(group, dtype=object) for name, group in polygons.items()}


def read_label_colours(path: Path) -> dict[str, Colour]:
    """Colours by class, if a ``classes.json`` has them.

    Raises:
        DatasetError: a colour is invalid.
    """
    table = find_table(path)
    colours = None if table is None else read_colours(table)
    if table is None or colours is None:
        return {}
    names = read_classes(table)[0].values()  # in the order of their ids, like the colours
    return {fold_case(name): colour for name, colour in zip(names, colours, strict=True)}


def _read_band(path: Path) -> tuple[npt.NDArray[np.uint8], Georeference]:
    """Read class ids (H, W) and their grid."""
    from rasterio.errors import RasterioError

    try:
        with open_raster(path) as dataset, read_strictly():
            labels = as_labels(dataset.read(), str(path))
            place = find_control(dataset)
    except RasterioError as error:
        raise ExamplesError(
            f"the label raster '{path}' cannot be read: {describe_cause(error)}",
            "the file is truncated or damaged",
            "copy or draw it again",
        ) from error
    return labels, Georeference(labels.shape[0], labels.shape[1], *place)


def _check_grid(path: Path, grid: Georeference, scene: DrawnScene) -> None:
    """Check that labels have the scene's size, and its position if georeferenced."""
    if (grid.height, grid.width) != (scene.grid.height, scene.grid.width):
        raise ExamplesError(
            f"the label raster '{path}' has {grid.height} x {grid.width} pixels",
            f"its scene '{scene.path}' has {scene.grid.height} x {scene.grid.width}",
            "use labels on the scene's grid, or give their scene with --example_scene",
        )
    if grid.is_pixel_grid or scene.grid.is_pixel_grid:
        return
    if _measure_shift(grid, scene.grid) > SHIFT_MOST:
        raise ExamplesError(
            f"the label raster '{path}' covers {format_bounds(grid.bounds)} in {grid.crs_name}",
            f"its scene '{scene.path}' covers {format_bounds(scene.grid.bounds)} in "
            f"{scene.grid.crs_name}",
            "use labels on the scene's grid, or give their scene with --example_scene",
        )


def _measure_shift(grid: Georeference, scene: Georeference) -> float:
    """Distance in pixels between the corners of two rasters, whatever their CRS names."""
    from rasterio.errors import CRSError

    corners = np.array(
        [(0, 0), (grid.width, grid.height), (0, grid.height), (grid.width, 0)], dtype=float
    )
    ground = grid.to_ground(corners)
    try:
        if grid.crs is not None and scene.crs is not None and not (grid.is_local or scene.is_local):
            ground = reproject(ground, grid.crs, scene.crs)
        elif not is_same_place(grid.crs, scene.crs, ground):
            return np.inf
    except CRSError:
        return np.inf
    apart = np.abs(scene.to_pixels(ground) - corners)
    return float(apart.max()) if np.isfinite(apart).all() else np.inf


def find_table(path: Path) -> Path | None:
    """The ``classes.json`` beside a label raster or one folder above."""
    places = [folder / "classes.json" for folder in (path.parent, path.parent.parent)]
    return next((place for place in places if place.is_file()), None)


def _read_names(path: Path, zero: Zero) -> tuple[dict[int, str], int]:
    """Names by id (only that of 0 without a ``classes.json``), and the id to ignore."""
    table = find_table(path)
    names, ignore = ({}, IGNORE) if table is None else read_classes(table)
    names = {number: fold_case(name) for number, name in names.items()}
    names.setdefault(0, BACKGROUND)
    if zero != "auto":
        names[0] = BACKGROUND if zero == "background" else UNKNOWN
    return names, ignore


def _check_names(path: Path, names: Mapping[int, str], ids: list[int]) -> None:
    table = find_table(path)
    unnamed = [number for number in ids if number not in names]
    if table is not None and unnamed:
        raise ExamplesError(
            f"the label raster '{path}' has the id {unnamed[0]}, which '{table}' does not name",
            f"it names {', '.join(map(str, sorted(names)))}; {IGNORE} is unknown",
            "add the class to classes.json, or set those pixels to 255",
        )


def _outline(labels: npt.NDArray[np.generic]) -> Iterator[tuple[object, int]]:
    """Trace connected equal pixels as polygons in columns and rows."""
    from affine import Affine
    from rasterio.features import shapes
    from shapely.geometry import shape

    for outline, number in shapes(labels, connectivity=4, transform=Affine.identity()):
        yield shape(outline), int(number)
