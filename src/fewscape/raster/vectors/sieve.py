"""Turn small patches of a class map into background."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from fewscape.core import Window
from fewscape.raster.gdal import (
    limit_cache,
    open_raster,
    read_back,
    to_rasterio,
    update_raster,
)
from fewscape.raster.georeference import Georeference
from fewscape.raster.grid import STRIP_PIXELS, plan_strips
from fewscape.raster.vectors.measuring import GroundMeasure
from fewscape.raster.vectors.patches import Labels, label_patches
from fewscape.raster.writing.staging import report_write_errors

Part = tuple[int, int]
"""Part of a patch in one strip: strip number and label."""


def sieve_map(
    classes: Path, min_area: float, strip_pixels: int = STRIP_PIXELS
) -> npt.NDArray[np.int64]:
    """Turn patches below an area into background; the file is changed in place.

    A patch is the same as a polygon in ``vectorise_map``: pixels that share an edge and a class.
    The map is read in strips twice: first to find small patches, then to clear them. One byte per
    patch and strip is kept in between.

    Args:
        classes: class map, 0 background, 1 to K classes, 255 nodata.
        min_area: minimum area in square metres, or in pixels without a CRS.
        strip_pixels: pixels in memory at a time.

    Returns:
        Number of cleared pixels of each of the 256 values.

    Raises:
        OutputError: the file cannot be written.
    """
    with open_raster(classes) as dataset:
        grid = Georeference.of(dataset)
    strips = list(plan_strips(grid.height, grid.width, strip_pixels))
    with limit_cache():
        finder = _find_small(classes, grid, strips, min_area)
        with report_write_errors(classes):
            return _clear(classes, strips, finder.doomed)


def _find_small(
    classes: Path, grid: Georeference, strips: list[Window], min_area: float
) -> SmallPatchFinder:
    measure = GroundMeasure(grid)
    finder = SmallPatchFinder(min_area)
    with open_raster(classes) as dataset:
        for strip in strips:
            found = dataset.read(1, window=to_rasterio(strip))
            areas = measure.measure_pixels(strip) if measure.is_possible else None
            finder.advance(found, label_patches(found), areas)
    finder.finish()
    return finder


def _clear(
    classes: Path, strips: list[Window], doomed: list[npt.NDArray[np.bool_]]
) -> npt.NDArray[np.int64]:
    """Set the doomed patches of each strip to 0; return the cleared pixels per value."""
    removed = np.zeros(256, np.int64)
    with update_raster(classes) as dataset:
        for strip, is_doomed in zip(strips, doomed, strict=True):
            if is_doomed.any():
                found = dataset.read(1, window=to_rasterio(strip))
                small = is_doomed[label_patches(found)]
                removed += np.bincount(found[small], minlength=256)
                found[small] = 0
                dataset.write(found, 1, window=to_rasterio(strip))
    read_back(classes)
    return removed


class SmallPatchFinder:
    """Finds patches below an area, over strips from the top.

    Args:
        min_area: minimum area to keep.
    """

    def __init__(self, min_area: float) -> None:
        self.min_area = min_area
        self.doomed: list[npt.NDArray[np.bool_]] = []
        """For each strip, whether the patch of each label is too small; label 0 never is."""
        self._classes: npt.NDArray[np.uint8] | None = None
        self._above: Labels
        self._areas = np.zeros(0)
        self._pending: list[list[Part]] = []

    def advance(
        self,
        classes: npt.NDArray[np.uint8],
        labels: Labels,
        areas: npt.NDArray[np.float64] | None = None,
    ) -> None:
        """Add a strip.

        Args:
            classes: (H, W) of the strip.
            labels: (H, W) patches from 1, see ``label_patches``.
            areas: (H, W) areas of the pixels; 1 each if not given.
        """
        weights = None if areas is None else areas.ravel()
        own = np.bincount(labels.ravel(), weights)[1:]
        self.doomed.append(np.zeros(len(own) + 1, np.bool_))
        count = len(self._areas)  # patches of the strip above that may continue in this one
        groups = self._join(classes[0], labels[0], count, len(own))
        totals = np.bincount(groups, np.concatenate([self._areas, own])).astype(np.float64)
        is_small = totals < self.min_area
        is_open = np.zeros(len(totals), np.bool_)
        last = labels[-1]
        is_open[groups[count + last[last > 0] - 1]] = True
        self._settle(groups, count, is_small, is_open)
        self._areas = totals[is_open]
        number = is_open.cumsum()
        self._above = np.zeros(len(last), np.int32)
        self._above[last > 0] = number[groups[count + last[last > 0] - 1]]
        self._classes = classes[-1]

    def finish(self) -> None:
        """Decide on the patches that reach the last row."""
        for parts in self._pending:
            self._doom(parts)
        self._pending = []

    def _join(
        self, classes: npt.NDArray[np.uint8], labels: Labels, above: int, own: int
    ) -> npt.NDArray[np.int32]:
        """Group of each open patch and each patch of the strip, (above + own,)."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        if self._classes is None:
            return np.arange(own, dtype=np.int32)
        joined = (self._above > 0) & (labels > 0) & (self._classes == classes)
        ends = self._above[joined] - 1, above + labels[joined] - 1
        size = above + own
        if not size:
            return np.zeros(0, np.int32)
        links = coo_array((np.ones(len(ends[0]), np.int8), ends), shape=(size, size))
        groups: npt.NDArray[np.int32] = connected_components(links, directed=False)[1]
        return groups

    def _settle(
        self,
        groups: npt.NDArray[np.int32],
        count: int,
        is_small: npt.NDArray[np.bool_],
        is_open: npt.NDArray[np.bool_],
    ) -> None:
        """Doom small complete patches; remember the parts of incomplete ones."""
        strip = len(self.doomed) - 1
        own = groups[count:]
        self.doomed[-1][1:] = (is_small & ~is_open)[own]
        waiting = is_small & is_open
        numbers = is_open.cumsum() - 1
        pending: list[list[Part]] = [[] for _ in range(int(is_open.sum()))]
        for group, parts in zip(groups[:count].tolist(), self._pending, strict=True):
            if waiting[group]:
                pending[numbers[group]] += parts
            elif is_small[group]:
                self._doom(parts)
        for label in np.flatnonzero(waiting[own]).tolist():
            pending[numbers[own[label]]].append((strip, label + 1))
        self._pending = pending

    def _doom(self, parts: list[Part]) -> None:
        for strip, label in parts:
            self.doomed[strip][label] = True
