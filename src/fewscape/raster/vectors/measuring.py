"""Areas and lengths on the ground, true in any projection."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fewscape.core import Window
from fewscape.raster.georeference import Georeference, Points

EDGE_PIXELS = 64
"""Longest straight edge, in pixels, before edges are split for another projection."""

NODE_PIXELS = 64
"""Spacing of the pixels whose areas are measured; the others are interpolated."""

EARTH_RADIUS = 6_371_007.2
"""Radius of the sphere with the surface of the earth, metres."""

Numbers = npt.NDArray[np.float64]


class GroundMeasure:
    """Measures outlines and pixels of one raster in metres.

    Everything is projected once to an equal-area CRS centred on the raster. Lengths are distorted
    there by a known factor, which is undone. Local coordinates are used as they are.

    Args:
        grid: georeference of the raster.
    """

    def __init__(self, grid: Georeference) -> None:
        self.grid = grid
        self._plane = grid.find_plane()

    @property
    def is_possible(self) -> bool:
        """Whether the raster has a usable CRS; otherwise all measures are NaN."""
        return self._plane is not None

    def measure_outlines(self, outlines: npt.NDArray[np.object_]) -> tuple[Numbers, Numbers]:
        """Areas and perimeters of polygons (N,) in columns and rows.

        The perimeter includes the outer ring and all holes.

        Returns:
            Areas (N,) in square metres and perimeters (N,) in metres.
        """
        import shapely

        if not self.is_possible:
            return np.full(len(outlines), np.nan), np.full(len(outlines), np.nan)
        # Straight edges are curves in another projection, so long ones are split.
        fine = shapely.segmentize(outlines, EDGE_PIXELS)
        flat = shapely.transform(fine, self._flatten)
        areas: Numbers = shapely.area(flat)
        return areas, _add_lengths(flat)

    def measure_pixels(self, window: Window) -> Numbers:
        """Square metres of every pixel of a window, (H, W).

        Pixels on a lattice are measured and the others interpolated, since areas change slowly.
        """
        rows = _place_nodes(window.row, window.height, self.grid.height)
        cols = _place_nodes(window.col, window.width, self.grid.width)
        corners = np.stack(np.meshgrid(cols, rows), axis=-1)[:, :, None] + np.array(
            [(0, 0), (1, 0), (1, 1), (0, 1)], float
        )  # (h, w, 4, 2)
        x, y = np.moveaxis(self._flatten(corners.reshape(-1, 2)).reshape(corners.shape), -1, 0)
        diagonals = (x[..., 2] - x[..., 0]) * (y[..., 3] - y[..., 1])
        areas = abs(diagonals - (x[..., 3] - x[..., 1]) * (y[..., 2] - y[..., 0])) / 2  # (h, w)
        down = _weigh_nodes(rows, window.row, window.height)
        right = _weigh_nodes(cols, window.col, window.width)
        enlarged: Numbers = down @ areas @ right.T
        return enlarged

    def measure_sides(self) -> tuple[float, float]:
        """Metres between columns and between rows, at the centre of the raster."""
        if self._plane is None:
            return 1.0, 1.0
        col, row = self.grid.width / 2, self.grid.height / 2
        middle, right, below = self._flatten(np.array([(col, row), (col + 1, row), (col, row + 1)]))
        return float(np.hypot(*(right - middle))), float(np.hypot(*(below - middle)))

    def _flatten(self, pixels: Points) -> Points:
        """Transform columns and rows (N, 2) to metres in the equal-area CRS."""
        assert self._plane is not None
        return self._plane(self.grid.to_ground(pixels))


def _add_lengths(flat: npt.NDArray[np.object_]) -> Numbers:
    """True lengths of the rings of polygons (N,) in Lambert's azimuthal projection.

    At distance d from the centre, radial lengths shrink by the root of 1 - (d / 2R)² and tangential
    ones stretch by its inverse.
    """
    import shapely

    rings, owners = shapely.get_rings(flat, return_index=True)
    points, numbers = shapely.get_coordinates(rings, return_index=True)
    steps = np.diff(points, axis=0)
    middle = (points[1:] + points[:-1]) / 2
    distance = np.hypot(middle[:, 0], middle[:, 1])
    outward = middle / np.maximum(distance, 1e-9)[:, None]
    outward[distance < 1e-9] = 1, 0
    shrunk = np.sqrt(1 - np.minimum(distance / (2 * EARTH_RADIUS), 0.999) ** 2)
    along = (steps * outward).sum(axis=1) / shrunk
    across = (steps[:, 1] * outward[:, 0] - steps[:, 0] * outward[:, 1]) * shrunk
    inside = numbers[1:] == numbers[:-1]
    lengths = np.hypot(along, across)[inside]
    sums = np.bincount(owners[numbers[1:][inside]], weights=lengths, minlength=len(flat))
    return sums.astype(np.float64)  # an empty result would be integers


def _place_nodes(start: int, count: int, size: int) -> Numbers:
    """Lattice pixels around ``count`` pixels from ``start``; the same for every window."""
    first, last = start // NODE_PIXELS, -(-(start + count) // NODE_PIXELS)
    nodes = np.arange(first, last + 1) * NODE_PIXELS
    return np.unique(np.minimum(nodes, size - 1)).astype(np.float64)


def _weigh_nodes(nodes: Numbers, start: int, count: int) -> Numbers:
    """Interpolation weight of each node in each pixel, (count, nodes)."""
    pixels = np.arange(start, start + count)
    return np.stack([np.interp(pixels, nodes, unit) for unit in np.eye(len(nodes))], axis=1)
