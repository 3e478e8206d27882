"""Everything that was drawn, by place: which polygon owns which pixel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fewscape.core import Window
from fewscape.raster import rasterise_numbers
from fewscape.scene.reserved_names import AREA, BACKGROUND, UNKNOWN

MANY_POINTS = 2_000
"""Vertices from which a polygon is cut to a window before it is painted."""

Geometries = npt.NDArray[np.object_]
Numbers = npt.NDArray[np.int32]


class Owners(NamedTuple):
    """Who owns the pixels of a window."""

    numbers: Numbers
    """(H, W) of polygons; -1 none, ignored, or of two classes."""
    contested: npt.NDArray[np.bool_]
    """(H, W) pixels in polygons of two classes."""


class DrawnIndex:
    """The P polygons of all classes, numbered, in a tree.

    Args:
        polygons: of each class, in columns and rows.
    """

    def __init__(self, polygons: Mapping[str, Geometries]) -> None:
        import shapely

        self.names = tuple(polygons)
        """Of the drawn classes."""
        groups = [np.empty(0, dtype=object), *polygons.values()]
        self.geometries: Geometries = np.concatenate(groups)
        """(P,) sorted by class."""
        sizes = [len(group) for group in polygons.values()]
        self.classes = np.repeat(np.arange(len(sizes)), sizes)
        """(P,) places in ``names``."""
        order = {AREA: 0, BACKGROUND: 1, UNKNOWN: 3}
        ranks = np.array([order.get(name, 2) for name in self.names], dtype=np.int64)
        self.ranks = ranks[self.classes]
        """(P,) which of two polygons owns a pixel of both: the one of the higher rank."""
        self._tree = shapely.STRtree(self.geometries)

    def find_near(self, window: Window, distance: float = 0.0) -> npt.NDArray[np.int64]:
        """Numbers of the polygons whose frames come near a window, sorted."""
        import shapely

        row, col, height, width = window
        frame = shapely.box(
            col - distance, row - distance, col + width + distance, row + height + distance
        )
        return np.sort(self._tree.query(frame))

    def paint(self, window: Window) -> Owners:
        """Who owns the pixels whose centres lie in polygons.

        Polygons of classes win over ``background``, that over ``area``, and ``ignore`` over all.
        Of several polygons of one class the last one wins.
        """
        near = self.find_near(window)
        near = near[np.argsort(self.ranks[near], kind="stable")]
        shapes = _cut(self.geometries[near], window)
        numbers = rasterise_numbers(shapes, near, window)
        contested = np.zeros(numbers.shape, np.bool_)
        is_class = self.ranks[near] == 2
        classes = self.classes[near]
        if len(np.unique(classes[is_class])) > 1:
            # Polygons are sorted by class: if the first and the last one over a pixel are of one
            # class, so are all between them.
            last = rasterise_numbers(shapes[is_class], classes[is_class], window)
            first = rasterise_numbers(shapes[is_class][::-1], classes[is_class][::-1], window)
            contested = first != last
        owned = numbers[numbers >= 0]
        is_ignored = np.zeros(numbers.shape, np.bool_)
        is_ignored[numbers >= 0] = self.ranks[owned] == 3
        contested &= ~is_ignored
        numbers[contested | is_ignored] = -1
        return Owners(numbers, contested)

    def find_cells(self, height: int, width: int, side: int) -> Iterator[Window]:
        """Cells of a regular grid that a polygon meets among their pixel centres; ``ignore`` aside.

        Args:
            height: of the scene.
            width: of the scene.
            side: of the cells; those at the right and lower edge are cut there.
        """
        import shapely

        lefts = np.arange(0, width, side)
        rights = np.minimum(lefts + side, width)
        for top in range(0, height, side):
            bottom = min(top + side, height)
            strip = Window(top, 0, bottom - top, width)
            near = self.find_near(strip)
            near = near[self.ranks[near] < 3]
            if not len(near):
                continue
            shapes = _cut(self.geometries[near], strip)
            centres = shapely.box(lefts + 0.5, top + 0.5, rights - 0.5, bottom - 0.5)
            met = shapely.STRtree(shapes).query(centres, predicate="intersects")[0]
            for cell in np.unique(met).tolist():
                left = int(lefts[cell])
                yield Window(top, left, bottom - top, int(rights[cell]) - left)


def _cut(geometries: Geometries, window: Window) -> Geometries:
    """Those with many vertices cut around a window, so that each window reads few of them."""
    import shapely

    is_large = shapely.get_num_coordinates(geometries) >= MANY_POINTS
    if not is_large.any():
        return geometries
    row, col, height, width = window
    frame = col - 1, row - 1, col + width + 1, row + height + 1
    cut = geometries.copy()
    cut[is_large] = shapely.clip_by_rect(geometries[is_large], *frame)
    return cut
