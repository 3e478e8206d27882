"""``Annotations``: examples as polygons in the columns and rows of a scene."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from fewscape.core import IGNORE, Window
from fewscape.mapping.examples.drawn_index import DrawnIndex
from fewscape.mapping.examples.reserved_names import AREA, BACKGROUND, UNKNOWN
from fewscape.raster import Georeference, rasterise
from fewscape.raster.writing.palette import Colour

OVERLAP_SIDE, OVERLAP_CELLS = 1024, 64
"""Side and maximum number of windows in which overlaps are counted."""

Geometries = npt.NDArray[np.object_]
ExamplesAre = Literal["areas", "objects"]


@dataclass(frozen=True)
class Annotations:
    """Polygons by class, and the rules that give each pixel its class.

    Unlabelled ground does not silently become background:

    1. every pixel is unknown;
    2. inside ``area`` polygons, where everything was drawn, it is background;
    3. if the examples are ``objects``, the ring around each polygon is background too: half the
       polygon's equivalent diameter wide, at least 8 and at most 64 pixels. Whole objects rarely
       have others of their class beside them; otherwise those would have been drawn too. If they
       are ``areas``, such as a part of a lake, there are no rings;
    4. ``background`` polygons are background;
    5. polygons of a class are that class, even over ``area`` and ``background``;
    6. ground of two classes, ``ignore`` polygons and everything outside the scene are unknown.
    """

    path: Path
    """File that they were read from."""
    grid: Georeference
    """Scene that they were drawn on."""
    polygons: Mapping[str, Geometries]
    """(N,) polygons of each class in columns and rows, at least one."""
    examples_are: ExamplesAre = "areas"
    """Whether polygons mark part of some ground, or whole objects with rings around them."""
    colours: Mapping[str, Colour] = field(default_factory=dict)
    """Colours that the file gives to classes."""
    skipped: Mapping[str, int] = field(default_factory=dict)
    """Number of unusable features, by reason."""
    notes: tuple[str, ...] = ()
    """Messages about what was guessed or skipped."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in alphabetical order, without reserved names."""
        reserved = (AREA, BACKGROUND, UNKNOWN)
        return tuple(sorted(name for name in self.polygons if name not in reserved))

    @property
    def has_rings(self) -> bool:
        """Whether the ring around a polygon is background."""
        return self.examples_are == "objects"

    @property
    def has_background(self) -> bool:
        """Whether some ground is known not to be some class."""
        drawn = set(self.polygons) - {UNKNOWN}
        return self.has_rings or len(drawn) > 1

    def mask(self, name: str, window: Window) -> npt.NDArray[np.uint8]:
        """Mask (H, W) of a window: 1 the class, 0 not the class, 255 unknown.

        Only rings of the class count, and none in a window that meets an ``area``.
        """
        owners = self._index.paint(window)
        mask = np.full((window.height, window.width), IGNORE, np.uint8)
        if self.has_rings and not self.paint(AREA, window).any():
            mask[self._index.paint_rings(window, name) >= 0] = 0
        drawn = owners.numbers >= 0
        names = self._index.names
        own = names.index(name) if name in names else -1
        mask[drawn] = self._index.classes[owners.numbers[drawn]] == own
        mask[owners.contested | owners.ignored | ~self._find_inside(window)] = IGNORE
        return mask

    def labels(
        self, names: Sequence[str], window: Window
    ) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int32]]:
        """Class and polygon of every pixel of a window.

        Args:
            names: the classes; polygons of others count as background.
            window: window of the scene.

        Returns:
            (H, W) classes: 1 + the index in ``names``, 0 background, -1 unknown. And (H, W) polygon
            numbers, the same in all windows; -1 where the class is unknown. Unlabelled ground
            inside an ``area`` has the number of the area; a ring has its own number.
        """
        owners = self._index.paint(window)
        numbers, count = owners.numbers, len(self._index.geometries)
        if self.has_rings:
            rings = self._index.paint_rings(window)
            in_ring = (numbers < 0) & (rings >= 0) & ~owners.contested & ~owners.ignored
            numbers[in_ring] = rings[in_ring] + count
        numbers[~self._find_inside(window)] = -1
        places = {name: place for place, name in enumerate(names, start=1)}
        ids = np.array([places.get(name, 0) for name in self._index.names], np.int16)
        labels = np.where(numbers < 0, -1, 0).astype(np.int16)
        drawn = (numbers >= 0) & (numbers < count)
        labels[drawn] = ids[self._index.classes[numbers[drawn]]]
        return labels, numbers

    def windows(self, side: int) -> Iterator[Window]:
        """The cells of a regular grid over the scene that contain drawings, by rows."""
        return self._index.find_cells(self.grid.height, self.grid.width, side, self.has_rings)

    def count_overlaps(self) -> int:
        """Count pixels drawn as two classes, at most in the first windows with drawings."""
        cells = islice(self.windows(OVERLAP_SIDE), OVERLAP_CELLS)
        return sum(int(self._index.paint(cell).contested.sum()) for cell in cells)

    def paint(self, name: str, window: Window) -> npt.NDArray[np.bool_]:
        """(H, W) pixels of a window whose centre is in a polygon of this name."""
        number = self._index.names.index(name) if name in self._index.names else -1
        near = self._index.find_near(window)
        return rasterise(self._index.geometries[near[self._index.classes[near] == number]], window)

    def move_to(self, grid: Georeference) -> Annotations:
        """Transfer the polygons to another grid over the same ground."""
        import shapely

        factors = grid.width / self.grid.width, grid.height / self.grid.height
        moved = {
            name: shapely.transform(group, lambda points: points * factors)
            for name, group in self.polygons.items()
        }
        return replace(self, grid=grid, polygons=moved)

    @cached_property
    def _index(self) -> DrawnIndex:
        return DrawnIndex(self.polygons)

    def _find_inside(self, window: Window) -> npt.NDArray[np.bool_]:
        """(H, W) pixels of a window that are in the scene."""
        rows = np.arange(window.row, window.row + window.height)[:, None]
        cols = np.arange(window.col, window.col + window.width)
        height, width = self.grid.height, self.grid.width
        inside: npt.NDArray[np.bool_] = (rows >= 0) & (rows < height) & (cols >= 0) & (cols < width)
        return inside
