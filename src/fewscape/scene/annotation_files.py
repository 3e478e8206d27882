"""Reading what people drew on a scene: polygons of vector files and label rasters."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fewscape.core import ExamplesError
from fewscape.raster import ClassPolygons, read_polygons, to_pixel_geometries
from fewscape.raster.georeference import name_crs
from fewscape.scene.annotations import Annotations, ExamplesAre, Geometries
from fewscape.scene.drawn_scene import DrawnScene, tell_bounds
from fewscape.scene.label_rasters import RASTERS, Zero, read_label_raster
from fewscape.scene.reserved_names import fold_case


def read_annotations(
    path: Path | str,
    scene: DrawnScene,
    class_field: str = "class",
    zero: Zero = "auto",
    points: bool = False,
    examples_are: ExamplesAre = "areas",
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
        examples_are: whole objects have rings of background around them, see ``Annotations``.

    Raises:
        ExamplesError: see ``read_polygons``; or nothing lies inside the scene, only one side has
            a reference system, or the raster has another size or unnamed ids.
    """
    source = Path(path)
    if source.suffix.lower() in RASTERS:
        polygons = read_label_raster(source, scene, zero)
    else:
        polygons = _place(source, read_polygons(source, class_field, points), scene)
    annotations = Annotations(source, scene.grid, polygons, examples_are)
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
            f"the polygons cover {tell_bounds(found.bounds)} in {name_crs(found.crs)}, the scene "
            f"{tell_bounds(scene.grid.bounds)} in {scene.grid.crs_name}",
            "check the reference systems, or name the scene of the examples with --example_scene",
        )
    names = np.array([fold_case(name) for name in found.names], dtype=object)[origin]
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


def _crs_missing(path: Path, at_examples: bool, scene: DrawnScene) -> ExamplesError:
    examples, image = f"the examples '{path}'", f"the scene '{scene.path}'"
    lacking, having = (examples, image) if at_examples else (image, examples)
    return ExamplesError(
        f"{lacking} {'have' if at_examples else 'has'} no coordinate reference system, but "
        f"{having} {'has' if at_examples else 'have'} one",
        "both need one, or neither (then coordinates are pixels)",
        "assign the missing one, for instance with 'rio edit-info --crs' or in QGIS",
    )
