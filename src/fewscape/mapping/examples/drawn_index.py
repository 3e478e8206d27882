"""A spatial index of the drawn polygons: which polygon owns which pixel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from fewscape.core import Window
from fewscape.mapping.examples.reserved_names import AREA, BACKGROUND, UNKNOWN
from fewscape.raster import rasterise_numbers

if TYPE_CHECKING:
    from shapely import Geometry

RING_SHARE, RING_LEAST, RING_MOST = 0.5, 8.0, 64.0
"""Width of the ring around a polygon as a share of its diameter, and its bounds in pixels."""

CLASS, IGNORED = 2, 3
"""Ranks of class and ``ignore`` polygons; ``area`` and ``background`` rank below."""

MANY_POINTS = 2_000
"""Number of vertices from which a polygon is clipped to a window before painting."""

Geometries = npt.NDArray[np.object_]
Numbers = npt.NDArray[np.int32]
Choice = npt.NDArray[np.bool_]


class Owners(NamedTuple):
    """Who owns the pixels of a window."""

    numbers: Numbers
    """(H, W) polygon numbers; -1 without a polygon or with an unknown class."""
    contested: Choice
    """(H, W) pixels in polygons of two classes; their class is unknown."""
    ignored: Choice
    """(H, W) pixels in ``ignore`` polygons; their class is unknown."""


class DrawnIndex:
    """The P polygons of all classes, numbered, in a spatial tree.

    Args:
        polygons: polygons of each class, in columns and rows.
    """

    def __init__(self, polygons: Mapping[str, Geometries]) -> None:
        import shapely

        self.names = tuple(polygons)
        """Names of the drawn classes."""
        groups = [np.empty(0, dtype=object), *polygons.values()]
        self.geometries: Geometries = np.concatenate(groups)
        """(P,) polygons, sorted by class."""
        sizes = [len(group) for group in polygons.values()]
        self.classes = np.repeat(np.arange(len(sizes)), sizes)
        """(P,) indices in ``names``."""
        order = {AREA: 0, BACKGROUND: 1, UNKNOWN: IGNORED}
        ranks = np.array([order.get(name, CLASS) for name in self.names], dtype=np.int64)
        self.ranks = ranks[self.classes]
        """(P,) ranks; the polygon of higher rank owns a shared pixel."""
        self._tree = shapely.STRtree(self.geometries)
        self._strip: tuple[tuple[int, int], dict[int, Geometry]] = ((0, 0), {})
        """Large polygons clipped to the rows of the last window, which its neighbours share."""

    def find_near(self, window: Window, distance: float = 0.0) -> npt.NDArray[np.int64]:
        """Sorted numbers of the polygons whose bounding boxes are near a window."""
        import shapely

        row, col, height, width = window
        frame = shapely.box(
            col - distance, row - distance, col + width + distance, row + height + distance
        )
        return np.sort(self._tree.query(frame))

    def paint(self, window: Window) -> Owners:
        """The owner of each pixel whose centre is in a polygon.

        Class polygons win over ``background``, ``background`` over ``area``, and ``ignore`` over
        all. Among polygons of one class, the last wins.
        """
        near = self.find_near(window)
        near = near[np.argsort(self.ranks[near], kind="stable")]
        shapes = _cut(self._cut_rows(near, window), window)
        numbers = rasterise_numbers(shapes, near, window)
        is_class = self.ranks[near] == CLASS
        contested = self._find_contested(shapes[is_class], near[is_class], window)
        ignored = np.zeros(numbers.shape, np.bool_)
        ignored[numbers >= 0] = self.ranks[numbers[numbers >= 0]] == IGNORED
        contested &= ~ignored
        numbers[contested | ignored] = -1
        return Owners(numbers, contested, ignored)

    def paint_rings(self, window: Window, name: str | None = None) -> Numbers:
        """(H, W) numbers of the polygons whose rings cover the pixels, -1 for none.

        A ring is half its polygon's equivalent diameter wide, at least 8 and at most 64 pixels; it
        includes the polygon.

        Args:
            window: window of the scene.
            name: only rings of this class; all classes if not given.
        """
        near = self.find_near(window, RING_MOST)
        near = near[self.ranks[near] == CLASS]
        if name is not None:
            near = near[[self.names[place] == name for place in self.classes[near]]]
        return rasterise_numbers(add_rings(self.geometries[near]), near, window)

    def find_cells(
        self, height: int, width: int, side: int, with_rings: bool = False
    ) -> Iterator[Window]:
        """Cells of a regular grid with pixel centres in a polygon, except ``ignore``.

        Args:
            height: height of the scene.
            width: width of the scene.
            side: side of the cells; those at the right and lower edge are cut.
            with_rings: include the ring around a polygon.
        """
        import shapely

        lefts = np.arange(0, width, side)
        rights = np.minimum(lefts + side, width)
        for top in range(0, height, side):
            bottom = min(top + side, height)
            strip = Window(top, 0, bottom - top, width)
            near = self.find_near(strip, RING_MOST if with_rings else 0)
            near = near[self.ranks[near] < IGNORED]
            if not len(near):
                continue
            shapes = self.geometries[near].copy()
            if with_rings:
                is_class = self.ranks[near] == CLASS
                shapes[is_class] = add_rings(shapes[is_class])
            shapes = _cut(shapes, strip)
            centres = shapely.box(lefts + 0.5, top + 0.5, rights - 0.5, bottom - 0.5)
            met = shapely.STRtree(shapes).query(centres, predicate="intersects")[0]
            for cell in np.unique(met).tolist():
                left = int(lefts[cell])
                yield Window(top, left, bottom - top, int(rights[cell]) - left)

    def _cut_rows(self, near: npt.NDArray[np.int64], window: Window) -> Geometries:
        """Clip polygons with many vertices to the rows of a window."""
        import shapely

        shapes = self.geometries[near]
        is_large = shapely.get_num_coordinates(shapes) >= MANY_POINTS
        rows = window.row - 1, window.row + window.height + 1
        if is_large.any() and self._strip[0] != rows:
            self._strip = rows, {}
        known = self._strip[1]
        for place in np.flatnonzero(is_large).tolist():
            number = int(near[place])
            if number not in known:
                left, _, right, _ = shapes[place].bounds
                known[number] = shapely.clip_by_rect(shapes[place], left, rows[0], right, rows[1])
            shapes[place] = known[number]
        return shapes

    def _find_contested(
        self, shapes: Geometries, numbers: npt.NDArray[np.int64], window: Window
    ) -> Choice:
        """Pixels in polygons of several classes; the polygons are sorted by class."""
        classes = self.classes[numbers]
        if len(np.unique(classes)) < 2:
            return np.zeros((window.height, window.width), np.bool_)
        # If the first and last polygon over a pixel have the same class, so have all between.
        last = rasterise_numbers(shapes, classes, window)
        first = rasterise_numbers(shapes[::-1], classes[::-1], window)
        contested: Choice = first != last
        return contested


def add_rings(polygons: Geometries) -> Geometries:
    """(N,) polygons with the rings around them."""
    import shapely

    diameters = 2 * np.sqrt(shapely.area(polygons) / np.pi)
    widths = np.clip(RING_SHARE * diameters, RING_LEAST, RING_MOST)
    is_large = shapely.get_num_coordinates(polygons) >= MANY_POINTS
    plain = polygons.copy()
    plain[is_large] = shapely.simplify(polygons[is_large], widths[is_large] / 8)
    grown: Geometries = shapely.buffer(plain, widths)
    return grown


def _cut(geometries: Geometries, window: Window) -> Geometries:
    """Clip polygons with many vertices around a window, so that each window reads few of them."""
    import shapely

    is_large = shapely.get_num_coordinates(geometries) >= MANY_POINTS
    if not is_large.any():
        return geometries
    row, col, height, width = window
    frame = col - 1, row - 1, col + width + 1, row + height + 1
    cut = geometries.copy()
    cut[is_large] = shapely.clip_by_rect(geometries[is_large], *frame)
    return cut
