"""From coordinates on the ground to polygons in a scene's columns and rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from fewscape.core import ExamplesError
from fewscape.mapping.examples.buffering import Buffer, thicken
from fewscape.mapping.examples.drawn_scene import DrawnScene, tell_bounds
from fewscape.mapping.examples.reserved_names import fold_case
from fewscape.raster import ClassPolygons, to_pixel_geometries
from fewscape.raster.georeference import is_local, is_undefined, name_crs
from fewscape.raster.vectors.polygons import NOWHERE, POLYGON, split_parts
from fewscape.raster.writing.palette import Colour, parse_colour

if TYPE_CHECKING:
    from rasterio.crs import CRS

Geometries = npt.NDArray[np.object_]


class Placed(NamedTuple):
    """Polygons in columns and rows, and what is not among them."""

    polygons: dict[str, Geometries]
    """(N,) single parts of each class, cut at the scene's edges; N is at least 1."""
    colours: Mapping[str, Colour]
    """Of the classes that the file gives one."""
    left_out: Mapping[str, int]
    """How many features, or parts of them, are of no use, by what is wrong with them."""
    notes: tuple[str, ...] = ()
    """Sentences on what of the file was guessed, or not read."""


def place_polygons(path: Path, found: ClassPolygons, scene: DrawnScene, buffer: Buffer) -> Placed:
    """Bring what was read from a file onto the scene; points and lines become polygons.

    Raises:
        ExamplesError: nothing lies inside the scene, only one side has a reference system, or a
            colour is none.
        ConfigError: the buffer is in metres, and the scene has no reference system.
    """
    import shapely

    placed = found.geometries
    if not found.are_pixels:
        stated = _choose_crs(path, found, scene)
        placed = to_pixel_geometries(found.geometries, stated, scene.grid)
    points, owner = shapely.get_coordinates(placed, return_index=True)
    is_lost = np.zeros(len(placed), np.bool_)
    is_lost[owner[(points == NOWHERE).any(axis=1)]] = True
    kept = placed[~is_lost]
    if (shapely.get_type_id(kept) < POLYGON).any():
        kept = thicken(kept, buffer.measure(scene.grid))
    valid, source = split_parts(kept)
    source = np.flatnonzero(~is_lost)[source]
    inside = shapely.intersection(valid, shapely.box(0, 0, scene.grid.width, scene.grid.height))
    parts, origin = split_parts(inside)
    origin = source[origin]
    is_solid = shapely.get_type_id(parts) == POLYGON
    parts, origin = parts[is_solid], origin[is_solid]
    if not len(parts):
        if found.are_pixels:
            raise ExamplesError(
                f"no polygon of '{path}' lies inside the scene '{scene.path}'",
                f"the polygons cover {tell_bounds(found.bounds)} in pixels, the scene has "
                f"{scene.grid.width} x {scene.grid.height}",
                "name the scene that was annotated",
            )
        raise ExamplesError(
            f"no polygon of '{path}' lies inside the scene '{scene.path}'",
            f"the polygons cover {tell_bounds(found.bounds)} in {name_crs(found.crs)}, the scene "
            f"{tell_bounds(scene.grid.bounds)} in {scene.grid.crs_name}",
            "check the reference systems, or name the scene of the examples with --example_scene",
        )
    names = np.array([fold_case(name) for name in found.names], dtype=object)[origin]
    outside = len(placed) - len(np.unique(origin))
    left_out = dict(found.left_out) | ({"outside the scene": outside} if outside else {})
    order = np.argsort(names, kind="stable")
    classes, starts = np.unique(names[order], return_index=True)
    groups = np.split(parts[order], starts[1:])
    polygons = dict(zip(classes.tolist(), groups, strict=True))
    return Placed(polygons, _read_colours(path, found), left_out, found.notes)


def _read_colours(path: Path, found: ClassPolygons) -> dict[str, Colour]:
    colours = {}
    for name, text in found.colours.items():
        colour = parse_colour(text)
        if colour is None:
            raise ExamplesError(
                f"the class '{name}' of '{path}' has the colour '{text}'",
                "a colour is written as #rrggbb, as r,g,b from 0 to 255 or as a name such as navy",
                "correct it, or empty the attribute to have one chosen",
            )
        colours[name] = colour
    return colours


def _choose_crs(path: Path, found: ClassPolygons, scene: DrawnScene) -> CRS | None:
    """The reference system of the coordinates; None if they are the scene's own.

    A system that only says that it is undefined counts as none. On a scene in a local system,
    coordinates without one, or with another local one, are taken as the scene's.
    """
    crs = None if is_undefined(found.crs) else found.crs
    own = None if is_undefined(scene.grid.crs) else scene.grid.crs
    is_stated = found.crs_stated and crs is not None
    if own is None or scene.grid.is_local:
        if not is_stated or (crs is not None and is_local(crs)):
            return None
        if own is None:
            raise _crs_missing(path, False, scene)
    if crs is None:
        raise _crs_missing(path, True, scene)
    if is_local(crs) or scene.grid.is_local:
        raise ExamplesError(
            f"the examples '{path}' lie in {name_crs(crs)}, the scene '{scene.path}' in "
            f"{scene.grid.crs_name}",
            "one of them is a local system, and nothing says where on the earth that lies",
            "draw the examples in the scene's own system, or assign the right one to the file "
            "that has the local one ('gdal_edit -a_srs', or in QGIS)",
        )
    return crs


def _crs_missing(path: Path, at_examples: bool, scene: DrawnScene) -> ExamplesError:
    examples, image = f"the examples '{path}'", f"the scene '{scene.path}'"
    lacking, having = (examples, image) if at_examples else (image, examples)
    return ExamplesError(
        f"{lacking} {'have' if at_examples else 'has'} no coordinate reference system, but "
        f"{having} {'has' if at_examples else 'have'} one",
        "both need one, or neither (then coordinates are pixels)",
        "assign the missing one, for instance with 'rio edit-info --crs' or in QGIS",
    )
