"""Vectorise a class map in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fewscape.core import Window
from fewscape.raster.gdal import limit_cache, open_raster, to_rasterio
from fewscape.raster.georeference import Georeference
from fewscape.raster.grid import STRIP_PIXELS, plan_strips
from fewscape.raster.vectors.geopackage import PolygonSink, add_default_style
from fewscape.raster.vectors.patches import Patch, PatchTracker
from fewscape.raster.vectors.simplify import MAX_VERTICES, simplify_patches
from fewscape.raster.writing.palette import Colour
from fewscape.raster.writing.qml import style_polygons
from fewscape.raster.writing.writer import BLOCK, PROBABILITY_STEPS

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

CACHED_ROWS = 3
"""Rows of blocks in GDAL's cache for all rasters, since strips end within blocks."""


@dataclass(frozen=True, slots=True)
class PolygonOptions:
    """Options of a map's polygons."""

    simplify: float = 0.0
    """Tolerance in metres, or in pixels without a CRS; 0 keeps the pixel corners."""
    scene: str = ""
    """Name of the scene, a field of every polygon."""
    model: str = ""
    """Name of the model, likewise."""
    date: str = ""
    """Day of the scene, such as 2026-01-31; empty if unknown."""
    colours: Sequence[Colour] | None = None
    """Colours of the K classes, for the style that QGIS applies on loading; no style if not
    given."""


def vectorise_map(
    classes: Path,
    probabilities: Sequence[Path],
    target: Path,
    names: Sequence[str],
    metadata: Mapping[str, str] | None = None,
    strip_pixels: int = STRIP_PIXELS,
    options: PolygonOptions | None = None,
) -> int:
    """Write the polygons of a class map to a GeoPackage; return their number.

    Pixels that share an edge and a class make one polygon. The map is read in strips; polygons are
    joined across strips and written once complete. Only simplification needs all of them at once,
    see ``simplify_patches``.

    Fields: ``class``, ``class_id``, ``score`` (mean probability of its pixels; empty without
    probabilities), ``area_m2`` and ``perimeter_m`` (true on the ground in any projection; the
    perimeter includes holes; both empty without a CRS), ``pixels``, ``scene``, ``model``, ``date``
    (acquisition or creation date of the scene; empty if unknown).

    Args:
        classes: class map, 0 background, 1 to K classes, 255 nodata.
        probabilities: rasters of the K classes' probabilities, steps of 1 / 254; may be empty.
        target: the GeoPackage.
        names: K class names.
        metadata: text stored in the file.
        strip_pixels: pixels in memory at a time; fewer than usual also lowers how many polygons can
            be simplified.
        options: see ``PolygonOptions``.

    Raises:
        OutputError: the file cannot be written.
    """
    options = options or PolygonOptions()
    with ExitStack() as stack:
        dataset = stack.enter_context(open_raster(classes))
        opened = {path: stack.enter_context(open_raster(path)) for path in set(probabilities)}
        scores = [opened[path] for path in probabilities]
        grid = Georeference.of(dataset)
        origin: dict[str, str | np.datetime64] = {
            "scene": options.scene,
            "model": options.model,
            "date": np.datetime64(options.date or "NaT", "D"),
        }
        sink = PolygonSink(target, grid, names, bool(probabilities), origin, metadata or {})
        patches = _find_patches(dataset, scores, strip_pixels)
        if options.simplify:
            sides = sink.measure.measure_sides()
            # A corner takes about twice the memory of a strip's pixel.
            most = MAX_VERTICES if strip_pixels >= STRIP_PIXELS else strip_pixels // 2
            patches = simplify_patches(patches, options.simplify, sides, most)
        sink.add(patches)
        sink.flush()
    if options.colours is not None:
        style = style_polygons(names, options.colours)
        add_default_style(target, "classes", style)
    return sink.count


def _find_patches(
    classes: DatasetReader, scores: Sequence[DatasetReader], strip_pixels: int
) -> Iterator[Patch]:
    """Yield the patches of a class map, each once it is complete."""
    tracker = PatchTracker()
    cache = limit_cache(CACHED_ROWS * BLOCK * classes.width)
    for strip in plan_strips(classes.height, classes.width, strip_pixels):
        with cache:
            found = classes.read(1, window=to_rasterio(strip))
            own = _pick_scores(found, scores, strip)
        yield from tracker.advance(found, own, strip.row)
    yield from tracker.finish()


def _pick_scores(
    classes: npt.NDArray[np.uint8], sources: Sequence[DatasetReader], strip: Window
) -> npt.NDArray[np.float32]:
    """Probability of each pixel's own class; rasters of absent classes are not read."""
    scores = np.zeros(classes.shape, np.float32)
    for number in np.flatnonzero(np.bincount(classes.ravel(), minlength=256)).tolist():
        if 0 < number <= len(sources):
            probability = sources[number - 1].read(1, window=to_rasterio(strip))
            own = classes == number
            np.copyto(scores, probability / np.float32(PROBABILITY_STEPS), where=own)
    return scores
