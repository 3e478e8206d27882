"""Transform examples to the columns and rows of a scene."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from fewscape.core import ExamplesError
from fewscape.mapping.examples.buffering import Buffer, thicken
from fewscape.mapping.examples.drawn_scene import DrawnScene, format_bounds
from fewscape.mapping.examples.reserved_names import fold_case
from fewscape.raster import ClassPolygons, to_pixel_geometries
from fewscape.raster.georeference import is_local, is_undefined, name_crs
from fewscape.raster.vectors.polygons import NOWHERE, POLYGON, split_parts
from fewscape.raster.writing.palette import Colour, parse_colour

if TYPE_CHECKING:
    from rasterio.crs import CRS

Geometries = npt.NDArray[np.object_]


class Placed(NamedTuple):
    """Polygons in columns and rows, and what was skipped."""

    polygons: dict[str, Geometries]
    """(N,) single parts of each class, clipped to the scene, at least one."""
    colours: Mapping[str, Colour]
    """Colours that the file gives to classes."""
    skipped: Mapping[str, int]
    """Number of unusable features or parts, by reason."""
    notes: tuple[str, ...] = ()
    """Messages about what was guessed or skipped."""


def place_polygons(path: Path, found: ClassPolygons, scene: DrawnScene, buffer: Buffer) -> Placed:
    """Transform a layer to the scene's pixels; points and lines become polygons.

    Raises:
        ExamplesError: nothing is inside the scene, only one side has a CRS, or a colour is invalid.
        ConfigError: the buffer is in metres and the scene has no CRS.
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
                f"the polygons cover {format_bounds(found.bounds)} in pixels, the scene has "
                f"{scene.grid.width} x {scene.grid.height}",
                "name the scene that was annotated",
            )
        raise ExamplesError(
            f"no polygon of '{path}' is inside the scene '{scene.path}'",
            f"the polygons cover {format_bounds(found.bounds)} in {name_crs(found.crs)}, the scene "
            f"{format_bounds(scene.grid.bounds)} in {scene.grid.crs_name}",
            "check the CRS of both, or give the scene of the examples with --example_scene",
        )
    names = np.array([fold_case(name) for name in found.names], dtype=object)[origin]
    outside = len(placed) - len(np.unique(origin))
    skipped = dict(found.skipped) | ({"outside the scene": outside} if outside else {})
    order = np.argsort(names, kind="stable")
    classes, starts = np.unique(names[order], return_index=True)
    groups = np.split(parts[order], starts[1:])
    polygons = dict(zip(classes.tolist(), groups, strict=True))
    return Placed(polygons, _read_colours(path, found), skipped, found.notes)


def _read_colours(path: Path, found: ClassPolygons) -> dict[str, Colour]:
    colours = {}
    for name, text in found.colours.items():
        colour = parse_colour(text)
        if colour is None:
            raise ExamplesError(
                f"the class '{name}' of '{path}' has the colour '{text}'",
                "expected #rrggbb, r,g,b from 0 to 255, or a name such as navy",
                "correct it, or clear the attribute for a default colour",
            )
        colours[name] = colour
    return colours


def _choose_crs(path: Path, found: ClassPolygons, scene: DrawnScene) -> CRS | None:
    """The CRS of the coordinates; None if it is the scene's own.

    A CRS that is explicitly undefined counts as none. On a scene with a local CRS, coordinates
    without one, or with another local one, are taken as the scene's.
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
            "one of them is a local CRS, whose position on the earth is unknown",
            "draw the examples in the scene's CRS, or assign the right one to the file with "
            "the local one ('gdal_edit -a_srs', or in QGIS)",
        )
    return crs


def _crs_missing(path: Path, at_examples: bool, scene: DrawnScene) -> ExamplesError:
    examples, image = f"the examples '{path}'", f"the scene '{scene.path}'"
    lacking, having = (examples, image) if at_examples else (image, examples)
    return ExamplesError(
        f"{lacking} {'have' if at_examples else 'has'} no coordinate reference system, but "
        f"{having} {'has' if at_examples else 'have'} one",
        "expected one for both, or for neither (then coordinates are pixels)",
        "assign the missing one, for example with 'rio edit-info --crs' or in QGIS",
    )
