"""Reading what people drew on a scene: polygons of vector files and label rasters."""

from __future__ import annotations

from pathlib import Path

from fewscape.core import ExamplesError
from fewscape.mapping.examples.annotations import Annotations, ExamplesAre
from fewscape.mapping.examples.buffering import DEFAULT_BUFFER, Buffer
from fewscape.mapping.examples.drawn_scene import DrawnScene
from fewscape.mapping.examples.label_rasters import (
    RASTERS,
    Zero,
    read_label_colours,
    read_label_raster,
)
from fewscape.mapping.examples.placing import Placed, place_polygons
from fewscape.raster import read_polygons


def read_annotations(
    path: Path | str,
    scene: DrawnScene,
    class_field: str = "class",
    zero: Zero = "auto",
    examples_are: ExamplesAre = "areas",
    buffer: str = DEFAULT_BUFFER,
    layer: str | None = None,
) -> Annotations:
    """Polygons, lines and points of a vector file, or a label raster on the scene's grid.

    Args:
        path: GeoPackage, GeoJSON, Shapefile ... with a class attribute, in any reference system;
            or a PNG or TIFF with one class id a pixel, 255 unknown. Names of ids come from a
            ``classes.json`` beside the raster or one folder above; otherwise they are
            ``class_1``, ``class_2`` ...
        scene: the scene on which they were drawn.
        class_field: attribute of the polygons' class.
        zero: what 0 in a label raster means; ``auto``: the class that ``classes.json`` gives it,
            else background.
        examples_are: whole objects have rings of background around them, see ``Annotations``.
        buffer: how far points and lines reach: ``2`` or ``2px`` pixels of the scene, or ``3m``.
        layer: of a vector file with several; see ``read_layer``.

    Raises:
        ExamplesError: see ``read_polygons``; or nothing lies inside the scene, only one side has
            a reference system, or the raster has another size or unnamed ids.
        ConfigError: the buffer is no length, or one in metres where a pixel has no known size.
    """
    source, reach = Path(path), Buffer.parse(buffer)
    if source.suffix.lower() in RASTERS:
        if layer is not None:
            raise ExamplesError(
                f"the layer '{layer}' was named of the label raster '{source}'",
                "only vector files have layers",
                "leave the layer out, or give the vector file",
            )
        placed = Placed(read_label_raster(source, scene, zero), read_label_colours(source), {})
    else:
        placed = place_polygons(source, read_polygons(source, class_field, layer), scene, reach)
    annotations = Annotations(
        source,
        scene.grid,
        placed.polygons,
        examples_are,
        placed.colours,
        placed.left_out,
        placed.notes,
    )
    if not annotations.class_names:
        raise ExamplesError(
            f"the examples '{source}' name no class to map",
            f"they hold only {', '.join(placed.polygons)}",
            "add polygons of the classes to find",
        )
    return annotations
