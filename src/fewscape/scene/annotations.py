"""What people drew on a scene, as polygons in its columns and rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from fewscape.core import IGNORE, ExamplesError, Window
from fewscape.datasets.folder import as_labels, read_classes
from fewscape.raster import (
    ClassPolygons,
    Georeference,
    rasterise,
    read_polygons,
    to_pixel_geometries,
)
from fewscape.raster.gdal import open_raster, read_strictly, tell_cause
from fewscape.raster.georeference import name_crs

AREA, BACKGROUND, UNKNOWN = "area", "background", "ignore"
"""Polygon classes with a meaning of their own."""

RING_SHARE, RING_LEAST, RING_MOST = 0.5, 8.0, 64.0
"""Width of the ring around a polygon: share of its diameter, and its bounds in pixels."""

RASTERS = (".png", ".tif", ".tiff", ".bmp", ".gif", ".vrt")
"""Suffixes of label rasters; every other file is read as polygons."""

SHIFT_MOST = 0.5
"""Pixels by which a label raster may lie beside its scene."""

Geometries = npt.NDArray[np.object_]
Zero = Literal["auto", "background", "unknown"]


class DrawnScene(Protocol):
    """What has to be known of the scene that people drew on."""

    @property
    def path(self) -> Path:
        """Its file."""

    @property
    def grid(self) -> Georeference:
        """Its size and place."""


@dataclass(frozen=True, slots=True)
class DrawnOn:
    """A scene of which only name and place are known."""

    path: Path
    grid: Georeference


@dataclass(frozen=True, slots=True)
class Annotations:
    """Polygons by class, and the rule that makes masks of them.

    Unlabelled ground is not silently called background. For a class, in this order:

    1. everything is unknown (255);
    2. if the window meets an ``area`` polygon, which says that all objects in it were drawn, the
       pixels inside are background (0);
    3. if it meets none, only a ring around each polygon *of this class* is background: as wide
       as half the polygon's equivalent diameter, at least 8 and at most 64 pixels. What lies
       next to an object is rarely the same class, for else it would have been drawn with it;
    4. polygons of other classes and ``background`` polygons are background;
    5. polygons of the class are foreground (1);
    6. ``ignore`` polygons and everything outside the scene are unknown.
    """

    path: Path
    """File that they came from."""
    grid: Georeference
    """The scene on which they were drawn."""
    polygons: Mapping[str, Geometries]
    """(N,) polygons of each class in columns and rows; N is at least 1."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in alphabetical order, without those that have a meaning of their own."""
        reserved = (AREA, BACKGROUND, UNKNOWN)
        return tuple(sorted(name for name in self.polygons if name not in reserved))

    def mask(self, name: str, window: Window) -> npt.NDArray[np.uint8]:
        """(H, W) of a window: 1 the class, 0 not the class, 255 unknown."""
        mask = np.full((window.height, window.width), IGNORE, np.uint8)
        area = self.paint(AREA, window)
        mask[area if area.any() else self._paint_ring(name, window)] = 0
        for other in self.polygons:
            if other not in (name, AREA, UNKNOWN):
                mask[self.paint(other, window)] = 0
        mask[self.paint(name, window)] = 1
        mask[self.paint(UNKNOWN, window)] = IGNORE
        rows = np.arange(window.row, window.row + window.height)
        cols = np.arange(window.col, window.col + window.width)
        mask[(rows < 0) | (rows >= self.grid.height)] = IGNORE
        mask[:, (cols < 0) | (cols >= self.grid.width)] = IGNORE
        return mask

    def paint(self, name: str, window: Window) -> npt.NDArray[np.bool_]:
        """(H, W) pixels of a window whose centre lies in a polygon of this name."""
        return rasterise(self._near(name, window, 0), window)

    def move_to(self, grid: Georeference) -> Annotations:
        """The same polygons in the columns and rows of another grid over the same ground."""
        import shapely

        factors = grid.width / self.grid.width, grid.height / self.grid.height
        moved = {
            name: shapely.transform(group, lambda points: points * factors)
            for name, group in self.polygons.items()
        }
        return Annotations(self.path, grid, moved)

    def _paint_ring(self, name: str, window: Window) -> npt.NDArray[np.bool_]:
        import shapely

        near = self._near(name, window, RING_MOST)
        diameters = 2 * np.sqrt(shapely.area(near) / np.pi)
        widths = np.clip(RING_SHARE * diameters, RING_LEAST, RING_MOST)
        return rasterise(shapely.buffer(near, widths), window)

    def _near(self, name: str, window: Window, distance: float) -> Geometries:
        """Polygons of a class within some distance of a window."""
        import shapely

        polygons = self.polygons.get(name, np.empty(0, dtype=object))
        row, col, height, width = window
        frame = shapely.box(
            col - distance, row - distance, col + width + distance, row + height + distance
        )
        near: Geometries = polygons[shapely.intersects(polygons, frame)]
        return near


def read_annotations(
    path: Path | str,
    scene: DrawnScene,
    class_field: str = "class",
    zero: Zero = "auto",
    points: bool = False,
) -> Annotations:
    """Polygons of a vector file, or of a label raster on the scene's grid.

    Args:
        path: GeoPackage, GeoJSON, Shapefile ... with a class attribute, in any reference system;
            or a PNG or TIFF with one class id a pixel, 255 unknown. Names of ids come from a
            ``classes.json`` beside the raster or one folder above; otherwise they are
            ``class_1``, ``class_2`` ...
        scene: the scene on which they were drawn.
        class_field: attribute of the polygons' class.
        zero: what 0 in a label raster means; ``auto``: the class that ``classes.json`` gives it,
            else background.
        points: take points, too; each stands for the pixel that it lies in.

    Raises:
        ExamplesError: see ``read_polygons``; or nothing lies inside the scene, only one side has
            a reference system, or the raster has another size or unnamed ids.
    """
    source = Path(path)
    if source.suffix.lower() in RASTERS:
        polygons = _read_labels(source, scene, zero)
    else:
        polygons = _place(source, read_polygons(source, class_field, points), scene)
    annotations = Annotations(source, scene.grid, polygons)
    if not annotations.class_names:
        raise ExamplesError(
            f"the examples '{source}' name no class to map",
            f"they hold only {', '.join(polygons)}",
            "add polygons of the classes to find",
        )
    return annotations


def _place(path: Path, found: ClassPolygons, scene: DrawnScene) -> dict[str, Geometries]:
    """Polygons in the scene's columns and rows, cut at its edges, single parts."""
    import shapely

    stated = found.crs if found.crs_stated or scene.grid.crs is not None else None
    if (stated is None) != (scene.grid.crs is None):
        raise _crs_missing(path, stated is None, scene)
    placed = _enlarge_points(to_pixel_geometries(found.geometries, stated, scene.grid))
    inside = shapely.intersection(placed, shapely.box(0, 0, scene.grid.width, scene.grid.height))
    parts, origin = shapely.get_parts(inside, return_index=True)
    solid = shapely.area(parts) > 0
    if not solid.any():
        raise ExamplesError(
            f"no polygon of '{path}' lies inside the scene '{scene.path}'",
            f"the polygons cover {_tell_bounds(found.bounds)} in {name_crs(found.crs)}, the scene "
            f"{_tell_bounds(scene.grid.bounds)} in {scene.grid.crs_name}",
            "check the reference systems, or name the scene of the examples with --example_scene",
        )
    names = np.array([_fold_case(name) for name in found.names], dtype=object)[origin]
    return {name: parts[solid & (names == name)] for name in sorted(set(names[solid]))}


def _enlarge_points(placed: Geometries) -> Geometries:
    """Points become the pixels that they lie in."""
    import shapely

    parts, origin = shapely.get_parts(placed, return_index=True)
    is_point = shapely.get_type_id(parts) == 0
    if not is_point.any():
        return placed
    corner = np.floor(shapely.get_coordinates(parts[is_point]))
    parts[is_point] = shapely.box(*corner.T, *(corner + 1).T)
    groups = (parts[origin == index] for index in range(len(placed)))
    return np.array([shapely.union_all(group) for group in groups], dtype=object)


def _read_labels(path: Path, scene: DrawnScene, zero: Zero) -> dict[str, Geometries]:
    if not path.exists():
        raise ExamplesError(f"the examples '{path}' do not exist", "", "check the path")
    labels, grid = _read_band(path)
    _check_grid(path, grid, scene)
    size = grid.height, grid.width
    names, ignore = _read_names(path, zero)
    labels[labels == ignore] = IGNORE
    _check_names(path, names, sorted(set(np.unique(labels).tolist()) - {IGNORE}))
    polygons: dict[str, list[object]] = {}
    for outline, number in _outline(labels):
        if number == 0 and zero == "unknown":
            continue
        name = UNKNOWN if number == IGNORE else names.get(number, f"class_{number}")
        polygons.setdefault(name, []).append(outline)
    frame = _outline(np.zeros(size, np.uint8))  # every pixel has a label: nothing is unlabelled
    if zero != "unknown":
        polygons[AREA] = [outline for outline, _ in frame]
    return {name: np.array(group, dtype=object) for name, group in polygons.items()}


def _read_band(path: Path) -> tuple[npt.NDArray[np.uint8], Georeference]:
    """Class ids (H, W), and where they lie."""
    from rasterio.errors import RasterioError

    try:
        with open_raster(path) as dataset, read_strictly():
            labels = as_labels(dataset.read(), str(path))
            place = dataset.transform, dataset.crs or None
    except RasterioError as error:
        raise ExamplesError(
            f"the label raster '{path}' cannot be read: {tell_cause(error)}",
            "the file is truncated or damaged",
            "copy or draw it again",
        ) from error
    return labels, Georeference(labels.shape[0], labels.shape[1], *place)


def _check_grid(path: Path, grid: Georeference, scene: DrawnScene) -> None:
    """Labels have the scene's size, and its place where they state one."""
    if (grid.height, grid.width) != (scene.grid.height, scene.grid.width):
        raise ExamplesError(
            f"the label raster '{path}' has {grid.height} x {grid.width} pixels",
            f"its scene '{scene.path}' has {scene.grid.height} x {scene.grid.width}",
            "give labels on the scene's own grid, or their scene with --example_scene",
        )
    if grid.is_pixel_grid or scene.grid.is_pixel_grid:
        return
    corners = np.array([(0, 0), (grid.width, grid.height)], dtype=float)
    apart = scene.grid.to_pixels(grid.to_ground(corners)) - corners
    if grid.crs != scene.grid.crs or np.abs(apart).max() > SHIFT_MOST:
        raise ExamplesError(
            f"the label raster '{path}' covers {_tell_bounds(grid.bounds)} in {grid.crs_name}",
            f"its scene '{scene.path}' covers {_tell_bounds(scene.grid.bounds)} in "
            f"{scene.grid.crs_name}",
            "give labels on the scene's own grid, or their scene with --example_scene",
        )


def _find_table(path: Path) -> Path | None:
    places = [folder / "classes.json" for folder in (path.parent, path.parent.parent)]
    return next((place for place in places if place.is_file()), None)


def _read_names(path: Path, zero: Zero) -> tuple[dict[int, str], int]:
    """Names by id, without a ``classes.json`` only that of 0, and the id to ignore."""
    table = _find_table(path)
    names, ignore = ({}, IGNORE) if table is None else read_classes(table)
    names = {number: _fold_case(name) for number, name in names.items()}
    names.setdefault(0, BACKGROUND)
    if zero != "auto":
        names[0] = BACKGROUND if zero == "background" else UNKNOWN
    return names, ignore


def _check_names(path: Path, names: Mapping[int, str], ids: list[int]) -> None:
    table = _find_table(path)
    unnamed = [number for number in ids if number not in names]
    if table is not None and unnamed:
        raise ExamplesError(
            f"the label raster '{path}' has the id {unnamed[0]}, which '{table}' does not name",
            f"named are {', '.join(map(str, sorted(names)))}, and {IGNORE} for unknown",
            "add the class to classes.json, or set those pixels to 255",
        )


def _outline(labels: npt.NDArray[np.generic]) -> Iterator[tuple[object, int]]:
    """Polygons of connected equal pixels in columns and rows."""
    from affine import Affine
    from rasterio.features import shapes
    from shapely.geometry import shape

    kind = np.uint8 if labels.dtype == np.uint8 else np.int32
    for outline, number in shapes(labels.astype(kind), connectivity=4, transform=Affine.identity()):
        yield shape(outline), int(number)


def _crs_missing(path: Path, at_examples: bool, scene: DrawnScene) -> ExamplesError:
    examples, image = f"the examples '{path}'", f"the scene '{scene.path}'"
    lacking, having = (examples, image) if at_examples else (image, examples)
    return ExamplesError(
        f"{lacking} {'have' if at_examples else 'has'} no coordinate reference system, but "
        f"{having} {'has' if at_examples else 'have'} one",
        "both need one, or neither (then coordinates are pixels)",
        "assign the missing one, for instance with 'rio edit-info --crs' or in QGIS",
    )


def _fold_case(name: str) -> str:
    """The classes with a meaning of their own are known in any case."""
    folded = name.lower()
    return folded if folded in (AREA, BACKGROUND, UNKNOWN) else name


def _tell_bounds(bounds: tuple[float, float, float, float]) -> str:
    left, bottom, right, top = (f"{value:.10g}" for value in bounds)
    return f"x {left} to {right}, y {bottom} to {top}"
