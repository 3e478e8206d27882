"""What people drew on a scene, as polygons in its columns and rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fewscape.core import IGNORE, Window
from fewscape.raster import Georeference, rasterise
from fewscape.scene.drawn_index import DrawnIndex
from fewscape.scene.reserved_names import AREA, BACKGROUND, UNKNOWN

RING_SHARE, RING_LEAST, RING_MOST = 0.5, 8.0, 64.0
"""Width of the ring around a polygon: share of its diameter, and its bounds in pixels."""

OVERLAP_SIDE, OVERLAP_CELLS = 1024, 256
"""Side and number of the windows in which overlaps are counted."""

Geometries = npt.NDArray[np.object_]


@dataclass(frozen=True)
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
        mask[~self._find_inside(window)] = IGNORE
        return mask

    def labels(
        self, names: Sequence[str], window: Window
    ) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int32]]:
        """What every pixel of a window was drawn as, and by which polygon.

        Args:
            names: the classes to tell apart; polygons of others count as background.
            window: place in the scene.

        Returns:
            (H, W) classes: 1 + the place in ``names``, 0 background, -1 unknown: drawn by nobody,
            as ``ignore``, as two classes, or outside the scene. And (H, W) numbers of the
            polygons, which every polygon of the file keeps in all windows; -1 where the class
            is unknown. Unlabelled ground inside an ``area`` is background of the area's number.
        """
        numbers = self._index.paint(window).numbers
        numbers[~self._find_inside(window)] = -1
        places = {name: place for place, name in enumerate(names, start=1)}
        ids = np.array([*(places.get(name, 0) for name in self._index.names), -1], np.int16)
        classes = np.append(self._index.classes, len(self._index.names))  # the last one: nobody's
        return ids[classes[numbers]], numbers

    def windows(self, side: int) -> Iterator[Window]:
        """The cells of a regular grid over the scene in which something was drawn, by rows."""
        return self._index.find_cells(self.grid.height, self.grid.width, side)

    def count_overlaps(self) -> int:
        """Pixels drawn as two classes, in the first windows with drawings if there are many."""
        cells = islice(self.windows(OVERLAP_SIDE), OVERLAP_CELLS)
        return sum(int(self._index.paint(cell).contested.sum()) for cell in cells)

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

    @cached_property
    def _index(self) -> DrawnIndex:
        return DrawnIndex(self.polygons)

    def _find_inside(self, window: Window) -> npt.NDArray[np.bool_]:
        """(H, W) pixels of a window that lie in the scene."""
        rows = np.arange(window.row, window.row + window.height)[:, None]
        cols = np.arange(window.col, window.col + window.width)
        height, width = self.grid.height, self.grid.width
        inside: npt.NDArray[np.bool_] = (rows >= 0) & (rows < height) & (cols >= 0) & (cols < width)
        return inside

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
