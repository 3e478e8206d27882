"""Areas and lengths on the ground, true in any projection."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fewscape.core import Window
from fewscape.raster.georeference import Georeference, Points

EDGE_PIXELS = 64
"""Longest straight edge, in pixels, before something is measured in another projection."""

NODE_PIXELS = 64
"""Distance of the pixels whose areas are measured; the others lie between them."""

EARTH_RADIUS = 6_371_007.2
"""Of the sphere with the surface of the earth, metres."""

Numbers = npt.NDArray[np.float64]


class GroundMeasure:
    """Measures outlines and pixels of one raster in metres.

    Everything is projected once, into an equal-area system centred on the raster. Lengths are
    not true there, but how they are stretched is known at every point and undone. A local survey's
    coordinates are such a system themselves.

    Args:
        grid: where the raster lies.
    """

    def __init__(self, grid: Georeference) -> None:
        self.grid = grid
        self._plane = grid.find_plane()

    @property
    def is_possible(self) -> bool:
        """Whether the raster lies on the earth; without, all measures are NaN."""
        return self._plane is not None

    def measure_outlines(self, outlines: npt.NDArray[np.object_]) -> tuple[Numbers, Numbers]:
        """Square metres and metres of polygons (N,) in columns and rows.

        The length of a polygon is that of its outer ring and of those of its holes.

        Returns:
            Areas (N,) and perimeters (N,).
        """
        import shapely

        if not self.is_possible:
            return np.full(len(outlines), np.nan), np.full(len(outlines), np.nan)
        # Straight edges are curves in another projection: short ones lose nothing.
        fine = shapely.segmentize(outlines, EDGE_PIXELS)
        flat = shapely.transform(fine, self._flatten)
        areas: Numbers = shapely.area(flat)
        return areas, _add_lengths(flat)

    def measure_pixels(self, window: Window) -> Numbers:
        """Square metres of every pixel of a window, (H, W).

        Pixels in a lattice are measured, the others are interpolated: areas change slowly.
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
        """Metres from one column to the next and from one row to the next, amid the raster."""
        if self._plane is None:
            return 1.0, 1.0
        col, row = self.grid.width / 2, self.grid.height / 2
        middle, right, below = self._flatten(np.array([(col, row), (col + 1, row), (col, row + 1)]))
        return float(np.hypot(*(right - middle))), float(np.hypot(*(below - middle)))

    def _flatten(self, pixels: Points) -> Points:
        """Columns and rows (N, 2) to metres in the equal-area system."""
        assert self._plane is not None
        return self._plane(self.grid.to_ground(pixels))


def _add_lengths(flat: npt.NDArray[np.object_]) -> Numbers:
    """True lengths of the rings of polygons (N,) in Lambert's azimuthal system.

    At a distance d from the centre, lengths toward it are shrunk by the root of 1 - (d / 2R)²
    and those across are stretched by as much.
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
    return sums.astype(np.float64)  # none at all would be integers


def _place_nodes(start: int, count: int, size: int) -> Numbers:
    """Pixels of the lattice around ``count`` pixels from ``start``; the same for every window."""
    first, last = start // NODE_PIXELS, -(-(start + count) // NODE_PIXELS)
    nodes = np.arange(first, last + 1) * NODE_PIXELS
    return np.unique(np.minimum(nodes, size - 1)).astype(np.float64)


def _weigh_nodes(nodes: Numbers, start: int, count: int) -> Numbers:
    """Share of each node in each pixel, (count, nodes)."""
    pixels = np.arange(start, start + count)
    return np.stack([np.interp(pixels, nodes, unit) for unit in np.eye(len(nodes))], axis=1)
