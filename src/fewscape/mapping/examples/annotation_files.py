"""Read examples from vector files and label rasters."""

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
    """Read polygons, lines and points of a vector file, or a label raster on the scene's grid.

    Args:
        path: GeoPackage, GeoJSON, Shapefile ... with a class attribute, in any CRS; or a PNG or
            TIFF with one class id per pixel, 255 unknown. Names of ids come from a ``classes.json``
            beside the raster or one folder above; otherwise they are ``class_1``, ``class_2`` ...
        scene: the scene that they were drawn on.
        class_field: attribute that holds the class.
        zero: meaning of 0 in a label raster; ``auto``: the class in ``classes.json``, otherwise
            background.
        examples_are: ``objects`` have rings of background around them, see ``Annotations``.
        buffer: radius around points and lines: ``2`` or ``2px`` for pixels of the scene, or ``3m``.
        layer: layer of a vector file with several; see ``read_layer``.

    Raises:
        ExamplesError: see ``read_polygons``; or nothing is inside the scene, only one side has a
            CRS, or the raster has a wrong size or unnamed ids.
        ConfigError: the buffer is invalid, or in metres although the pixel size is unknown.
    """
    source, reach = Path(path), Buffer.parse(buffer)
    if source.suffix.lower() in RASTERS:
        if layer is not None:
            raise ExamplesError(
                f"the layer '{layer}' was given for the label raster '{source}'",
                "only vector files have layers",
                "omit the layer, or use a vector file",
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
        placed.skipped,
        placed.notes,
    )
    if not annotations.class_names:
        raise ExamplesError(
            f"the examples '{source}' name no class to map",
            f"they have only {', '.join(placed.polygons)}",
            "add polygons of the classes to find",
        )
    return annotations
