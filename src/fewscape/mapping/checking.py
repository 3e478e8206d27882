"""Compare a finished map with held-out polygons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fewscape.core import ExamplesError, suggest
from fewscape.mapping.examples.annotation_files import read_annotations
from fewscape.mapping.examples.annotations import Annotations
from fewscape.mapping.examples.buffering import OWN_PIXEL
from fewscape.mapping.examples.drawn_scene import DrawnScene
from fewscape.mapping.examples.label_rasters import Zero
from fewscape.mapping.examples.reserved_names import BACKGROUND
from fewscape.metrics.area_estimates import PolygonCounts
from fewscape.raster import NODATA, Georeference
from fewscape.raster.gdal import limit_cache, open_raster, to_rasterio
from fewscape.raster.grid import plan_strips
from fewscape.raster.vectors.measuring import GroundMeasure

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

SIDE = 1024
"""Side of the windows in which a map is compared with polygons."""

AREA_PIXELS = 1_000_000
"""Pixels per batch when areas are measured."""


@dataclass(frozen=True, slots=True)
class MapCheck:
    """The confusion of a map with check polygons, and its total areas."""

    class_names: tuple[str, ...]
    """Names of the K values of the map; the first is ``background``."""
    polygons: PolygonCounts
    """Confusion of the polygons with pixels on the map. Unlabelled ground in an ``area`` counts as
    one background polygon; ``ignore`` and ground of two classes is skipped."""
    blank_pixels: int
    """Checked pixels that are nodata on the map."""
    mapped_pixels: npt.NDArray[np.int64]
    """(K,) pixels of the whole map."""
    mapped_areas: npt.NDArray[np.float64]
    """(K,) areas of the whole map in square metres, or in pixels without a CRS."""
    is_metric: bool
    """Whether areas are square metres."""

    @property
    def unseen_names(self) -> tuple[str, ...]:
        """Mapped classes that no check polygon shows.

        Errors on their ground, and all area estimates, are unknown.
        """
        shown = self.polygons.matrix.sum(axis=0) > 0
        unseen = (self.mapped_pixels > 0) & ~shown
        return tuple(self.class_names[number] for number in np.flatnonzero(unseen).tolist())


def read_check(
    path: Path | str,
    scene: DrawnScene,
    grid: Georeference,
    class_field: str = "class",
    zero: Zero = "auto",
    layer: str | None = None,
) -> Annotations:
    """Read polygons, points or a label raster to check a map with.

    Args:
        path: see ``read_annotations``; each point checks the pixel that it is in.
        scene: the scene that they were drawn on.
        grid: grid of the map, over the same ground.
        class_field: attribute that holds the class.
        zero: meaning of 0 in a label raster.
        layer: layer of a vector file with several.

    Returns:
        The polygons in columns and rows of the map.

    Raises:
        ExamplesError: see ``read_annotations``.
    """
    drawn = read_annotations(path, scene, class_field, zero, buffer=OWN_PIXEL, layer=layer)
    return drawn if grid == drawn.grid else drawn.move_to(grid)


def check_names(check: Annotations, class_names: Sequence[str]) -> None:
    """Check that every drawn class is on the map.

    Args:
        check: the check polygons.
        class_names: classes of the map, without background.

    Raises:
        ExamplesError: one is missing.
    """
    for name in check.class_names:
        if name not in class_names:
            raise ExamplesError(
                f"the check polygons '{check.path}' have the class '{name}', which the map lacks",
                suggest(name, class_names),
                "rename those polygons, to 'background' if they show none of the map's "
                "classes, or to 'ignore'",
            )


def check_map(classes: Path, check: Annotations, class_names: Sequence[str]) -> MapCheck:
    """Compare a written class map with polygons, window by window.

    Only windows with polygons are compared; the map is read once more for its areas.

    Args:
        classes: class map with 0 background, 1 to K - 1 classes, 255 nodata.
        check: polygons in columns and rows of the map.
        class_names: classes of the map, without background.

    Raises:
        SceneError: the map is missing or damaged.
    """
    num = len(class_names) + 1
    size = sum(len(group) for group in check.polygons.values())
    pixels = np.zeros((size, num), np.int64)
    owners = np.zeros(size, np.int64)
    blank = 0
    with open_raster(classes) as dataset, limit_cache():
        for window in check.windows(SIDE):
            true, numbers = check.labels(class_names, window)
            mapped = dataset.read(1, window=to_rasterio(window))
            known = numbers >= 0
            has_data = mapped != NODATA
            blank += int((known & ~has_data).sum())
            known &= has_data
            owners[numbers[known]] = true[known]
            pairs, times = np.unique(
                numbers[known].astype(np.int64) * num + mapped[known], return_counts=True
            )
            pixels.ravel()[pairs] += times
        is_met = pixels.any(axis=1)
        counts = PolygonCounts(pixels[is_met], owners[is_met])
        grid = Georeference.of(dataset)
        return MapCheck((BACKGROUND, *class_names), counts, blank, *_measure(dataset, grid, num))


def count_shared(check: Annotations, examples: Annotations) -> int:
    """Count pixels that are both examples and checked.

    Args:
        check: polygons in columns and rows of the map.
        examples: example polygons, likewise.
    """
    shared = 0
    for window in check.windows(SIDE):
        owners, teachers = (drawn.labels((), window)[1] for drawn in (check, examples))
        shared += int(((owners >= 0) & (teachers >= 0)).sum())
    return shared


def _measure(
    dataset: DatasetReader, grid: Georeference, num: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], bool]:
    """Measure pixels and areas (K,) of the classes, and whether areas are in square metres."""
    measure = GroundMeasure(grid)
    pixels, areas = np.zeros(num, np.int64), np.zeros(num)
    for strip in plan_strips(grid.height, grid.width, AREA_PIXELS):
        mapped = dataset.read(1, window=to_rasterio(strip)).ravel()
        pixels += np.bincount(mapped, minlength=256)[:num]
        if measure.is_possible:
            weights = measure.measure_pixels(strip).ravel()
            areas += np.bincount(mapped, weights, minlength=256)[:num]
    return pixels, areas if measure.is_possible else pixels.astype(np.float64), measure.is_possible
