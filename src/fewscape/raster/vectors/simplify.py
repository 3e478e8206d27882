"""Simpler polygons whose neighbours still share their borders."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
import numpy.typing as npt

from fewscape.raster.vectors.patches import Patch

MAX_VERTICES = 5_000_000
"""Corners of pixels along all outlines that are simplified together; half a GB, a minute."""

log = logging.getLogger(__name__)


def simplify_patches(
    patches: Iterable[Patch],
    tolerance: float,
    sides: tuple[float, float] = (1.0, 1.0),
    most: int = MAX_VERTICES,
) -> Iterator[Patch]:
    """Patches with simpler outlines, without gaps or overlaps between neighbours.

    A border between two patches is simplified once, for both (Visvalingam and Whyatt on a
    coverage, by GEOS): corners are taken out whose triangle with their neighbours has less than
    about the square of the tolerance, and never so that outlines cross. The vertices that stay
    are corners of pixels.

    That needs all patches at once, about 100 bytes for each corner of a pixel along their
    outlines. Where there are more than ``most``, the polygons stay as they are, memory stays
    bounded, and a warning tells it: to lose a long run for it would be worse.

    Args:
        patches: with polygons in columns and rows.
        tolerance: in the unit of ``sides``, above 0.
        sides: width and height of a pixel.
        most: corners that fit the memory.
    """
    waiting: list[Patch] = []
    corners = 0.0
    remaining = iter(patches)
    for patch in remaining:
        outline = patch.outline()
        patch.parts = [outline]
        waiting.append(patch)
        corners += outline.length  # whole numbers: each step along an edge ends at a corner
        if corners > most:
            log.warning(
                "the polygons were not simplified: their outlines pass more than %s corners of "
                "pixels, which do not fit the memory that simplifying may take; leave out small "
                "ones with --min_area, or map parts of the scene",
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

    # Neighbours must have the same vertices, also where a third one meets a straight edge.
    corners = shapely.transform(shapely.segmentize(outlines, 1), np.rint)
    scaled = shapely.transform(corners, lambda points: points * sides)
    simpler = shapely.coverage_simplify(scaled, tolerance)
    restored: npt.NDArray[np.object_] = shapely.transform(
        simpler, lambda points: np.rint(points / sides)
    )
    return restored
