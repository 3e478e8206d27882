"""Simplified outlines of the examples, to draw over a picture of the scene."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fewscape.mapping.examples.annotations import Annotations
from fewscape.mapping.examples.drawn_scene import DrawnScene
from fewscape.mapping.examples.reserved_names import UNKNOWN
from fewscape.mapping.output.preview import LONGEST
from fewscape.raster import Georeference
from fewscape.raster.vectors.polygons import POLYGON

MOST_VERTICES = 2_000
"""Maximum number of vertices over all outlines."""

FEWEST = 5
"""Vertices of a rectangle; the first is repeated at the end."""

WHOLE = 0.999
"""Share of the scene from which a polygon is not worth drawing."""

Geometries = npt.NDArray[np.object_]


class Outline(NamedTuple):
    """A closed line."""

    name: str
    """A class, ``background`` or ``area``."""
    points: tuple[tuple[float, float], ...]
    """Columns and rows; the last point repeats the first."""


class Drawings(NamedTuple):
    """The outlines of the examples on a scene."""

    path: Path
    """Of the scene."""
    grid: Georeference
    """Of the scene."""
    outlines: tuple[Outline, ...]
    """Outlines in columns and rows of the scene."""

    def show_on(self, scene: DrawnScene) -> tuple[Outline, ...]:
        """The outlines if they were drawn on this scene, otherwise none."""
        is_same = (scene.path, scene.grid) == (self.path, self.grid)
        return self.outlines if is_same else ()


def trace_outlines(annotations: Annotations, most: int = MOST_VERTICES) -> tuple[Outline, ...]:
    """Trace the largest polygons of each class, simplified to few vertices.

    Args:
        annotations: the examples.
        most: maximum number of vertices over all outlines.

    Returns:
        Large outlines first, so that small ones are drawn over them; ``ignore`` and polygons that
        cover the whole scene have none.
    """
    import shapely

    rings, names = _choose(annotations, most // FEWEST)
    if not len(rings):
        return ()
    grid = annotations.grid
    tolerance = max(1.0, max(grid.height, grid.width) / LONGEST) / 2
    simple = shapely.simplify(rings, tolerance)  # keeps rings smaller than the tolerance
    while shapely.get_num_coordinates(simple).sum() > most and tolerance < grid.height + grid.width:
        tolerance *= 2
        simple = shapely.simplify(rings, tolerance)
    simple = simple[shapely.get_num_coordinates(simple).cumsum() <= most]
    points, owners = shapely.get_coordinates(simple, return_index=True)
    groups = np.split(points.round(1), np.flatnonzero(np.diff(owners)) + 1)
    return tuple(
        Outline(name, tuple((col, row) for col, row in group.tolist()))
        for name, group in zip(names, groups, strict=False)
    )


def scale_outlines(outlines: Sequence[Outline], factors: tuple[float, float]) -> list[Outline]:
    """Scale outlines by factors for columns and rows."""
    across, down = factors
    return [
        Outline(name, tuple((col * across, row * down) for col, row in points))
        for name, points in outlines
    ]


def _choose(annotations: Annotations, most: int) -> tuple[Geometries, list[str]]:
    """Choose the large filled outer rings of each class."""
    import shapely

    whole = WHOLE * annotations.grid.height * annotations.grid.width
    rings, names, turns = [np.empty(0, dtype=object)], list[str](), list[int]()
    for name, polygons in annotations.polygons.items():
        if name == UNKNOWN:
            continue
        kept = polygons[(shapely.get_type_id(polygons) == POLYGON) & ~shapely.is_empty(polygons)]
        own = shapely.polygons(shapely.get_exterior_ring(kept))
        areas = shapely.area(own)
        order = np.argsort(-areas, kind="stable")
        own = own[order[areas[order] < whole]][:most]
        rings.append(own)
        names += [name] * len(own)
        turns += range(len(own))
    found = np.concatenate(rings)
    by_turn = np.argsort(turns, kind="stable")[:most]  # classes take turns
    by_size = by_turn[np.argsort(-shapely.area(found[by_turn]), kind="stable")]
    return found[by_size], [names[place] for place in by_size]
