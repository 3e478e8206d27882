"""Simplify polygons so that neighbours keep their common borders."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
import numpy.typing as npt

from fewscape.raster.vectors.patches import Patch

MAX_VERTICES = 5_000_000
"""Maximum number of pixel corners along all outlines; half a GB, a minute."""

log = logging.getLogger(__name__)


def simplify_patches(
    patches: Iterable[Patch],
    tolerance: float,
    sides: tuple[float, float] = (1.0, 1.0),
    most: int = MAX_VERTICES,
) -> Iterator[Patch]:
    """Simplify the outlines of patches, without gaps or overlaps between neighbours.

    A border between two patches is simplified once, for both (Visvalingam and Whyatt on a coverage,
    by GEOS): vertices whose triangle with their neighbours is smaller than about the squared
    tolerance are removed, but never so that outlines cross. The remaining vertices are pixel
    corners.

    All patches must be in memory, about 100 bytes per pixel corner along their outlines. If there
    are more than ``most``, the polygons are not simplified and a warning says so, which is better
    than losing a long run.

    Args:
        patches: patches with polygons in columns and rows.
        tolerance: tolerance in the unit of ``sides``, above 0.
        sides: width and height of a pixel.
        most: maximum number of corners.
    """
    waiting: list[Patch] = []
    corners = 0.0
    remaining = iter(patches)
    for patch in remaining:
        outline = patch.outline()
        patch.parts = [outline]
        waiting.append(patch)
        corners += outline.length  # integers: each step along an edge ends at a corner
        if corners > most:
            log.warning(
                "the polygons were not simplified: their outlines have more than %s pixel "
                "corners, too many for the memory; remove small polygons with --min_area, or "
                "map parts of the scene",
                f"{most:,}",
            )
            yield from chain(waiting, remaining)
            return
    outlines = _simplify(np.array([patch.parts[0] for patch in waiting], object), tolerance, sides)
    for patch, outline in zip(waiting, outlines, strict=True):
        patch.parts = [outline]
        yield patch


def _simplify(
    outlines: npt.NDArray[np.object_], tolerance: float, sides: tuple[float, float]
) -> npt.NDArray[np.object_]:
    """Polygons (N,) in columns and rows."""
    import shapely

    # Neighbours must share their vertices, even where a third one meets a straight edge.
    corners = shapely.transform(shapely.segmentize(outlines, 1), np.rint)
    scaled = shapely.transform(corners, lambda points: points * sides)
    simpler = shapely.coverage_simplify(scaled, tolerance)
    restored: npt.NDArray[np.object_] = shapely.transform(
        simpler, lambda points: np.rint(points / sides)
    )
    return restored
