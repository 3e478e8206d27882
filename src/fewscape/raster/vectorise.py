"""Polygons of a class map, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fewscape.raster.gdal import limit_cache, open_raster, to_rasterio
from fewscape.raster.geopackage import PolygonSink, add_default_style
from fewscape.raster.georeference import Georeference
from fewscape.raster.grid import plan_strips
from fewscape.raster.palette import Colour
from fewscape.raster.patches import Patch, PatchTracker
from fewscape.raster.qml import style_polygons
from fewscape.raster.simplify import MAX_VERTICES, simplify_patches
from fewscape.raster.writer import BLOCK, PROBABILITY_STEPS

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

STRIP_PIXELS = 4_000_000
"""Pixels that are in memory at a time."""


@dataclass(frozen=True, slots=True)
class PolygonOptions:
    """What the polygons of a map look like."""

    simplify: float = 0.0
    """Tolerance in metres, in pixels where the map has no CRS; 0 keeps the pixels' corners."""
    scene: str = ""
    """Name of the scene, a field of every polygon."""
    model: str = ""
    """Name of the model, likewise."""
    date: str = ""
    """Day on which the scene was taken, as 2026-01-31; empty if that is unknown."""
    colours: Sequence[Colour] | None = None
    """Of the K classes, for the style that QGIS applies on loading; no style if not given."""


def vectorise_map(
    classes: Path,
    probabilities: Sequence[Path],
    target: Path,
    names: Sequence[str],
    metadata: Mapping[str, str] | None = None,
    strip_pixels: int = STRIP_PIXELS,
    options: PolygonOptions | None = None,
) -> int:
    """Write the polygons of a class map as a GeoPackage; return how many there are.

    Pixels that share an edge and a class make one polygon. The map is read in strips; polygons
    that pass from strip to strip are joined, and written as soon as they are complete. Only
    simplification waits for all of them, see ``simplify_patches``.

    Fields: ``class``, ``class_id``, ``score`` (mean probability of its pixels; empty without
    probabilities), ``area_m2`` and ``perimeter_m`` (true on the ground in any projection; of the
    outer and the inner rings; empty without a CRS), ``pixels``, ``scene``, ``model``, ``date`` (of
    the scene; empty if its file does not tell).

    Args:
        classes: class map, 0 background, 1 to K classes, 255 no data.
        probabilities: rasters of the K classes' probabilities, steps of 1 / 254; may be empty.
        target: the GeoPackage.
        names: K class names.
        metadata: text that goes with the file.
        strip_pixels: pixels that are in memory at a time; fewer than usual, and fewer polygons
            are simplified, too.
        options: see ``PolygonOptions``.

    Raises:
        OutputError: the file cannot be written.
    """
    options = options or PolygonOptions()
    sources = [open_raster(path) for path in (classes, *probabilities)]
    try:
        dataset = sources[0]
        grid = Georeference.of(dataset)
        day = np.datetime64(options.date or "NaT", "D")
        origin = {"scene": options.scene, "model": options.model, "date": day}
        sink = PolygonSink(target, grid, names, bool(probabilities), origin, metadata or {})
        patches = _find_patches(sources, strip_pixels)
        if options.simplify:
            sides = sink.measure.measure_sides()
            # Under a limit, a corner takes about twice what a pixel of a strip does.
            most = MAX_VERTICES if strip_pixels >= STRIP_PIXELS else strip_pixels // 2
            patches = simplify_patches(patches, options.simplify, sides, most)
        sink.add(patches)
        sink.flush()
    finally:
        for source in sources:
            source.close()
    if options.colours is not None:
        style = style_polygons(names, options.colours)
        add_default_style(target, "classes", style)
    return sink.count


def _find_patches(sources: Sequence[DatasetReader], strip_pixels: int) -> Iterator[Patch]:
    """The patches of a class map, each as soon as it is complete."""
    tracker = PatchTracker()
    cache = limit_cache(len(sources) * sources[0].width * BLOCK * 3 // 2)
    for strip in plan_strips(sources[0].height, sources[0].width, strip_pixels):
        with cache:
            bands = [source.read(1, window=to_rasterio(strip)) for source in sources]
        yield from tracker.advance(bands[0], _pick_scores(bands[0], bands[1:]), strip.row)
    yield from tracker.finish()


def _pick_scores(
    classes: npt.NDArray[np.uint8], probabilities: Sequence[npt.NDArray[np.uint8]]
) -> npt.NDArray[np.float32]:
    """The probability of each pixel's own class."""
    scores = np.zeros(classes.shape, np.float32)
    for number, probability in enumerate(probabilities, start=1):
        np.copyto(scores, probability / np.float32(PROBABILITY_STEPS), where=classes == number)
    return scores
