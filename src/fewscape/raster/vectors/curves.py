"""Read WKB with curves, which shapely does not support, as straight segments."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

CURVES = {8: "CircularString", 9: "CompoundCurve", 10: "CurvePolygon"}
COLLECTIONS = (4, 5, 6, 7, 11, 12)
"""Multiple points, lines and polygons, collections, multiple curves and surfaces."""

SEGMENTS = 64
"""Segments of a full circle."""

DEEPEST = 16

Points = npt.NDArray[np.float64]


def read_wkb(wkb: bytes | None) -> Any:  # noqa: ANN401 (a shapely geometry or None)
    """Read a geometry; arcs become segments of a sixty-fourth of a circle.

    Returns:
        None for empty or invalid input.
    """
    import shapely
    from shapely.errors import ShapelyError

    if not wkb:
        return None
    try:
        return shapely.from_wkb(wkb, on_invalid="ignore")
    except NotImplementedError:
        pass
    except (ShapelyError, ValueError, OverflowError):
        return None
    try:
        return _Reader(bytes(wkb)).read()
    except (struct.error, ValueError, IndexError, OverflowError, ShapelyError):
        return None


class _Reader:
    """Parses the bytes of one geometry."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def read(self, depth: int = 0) -> Any:  # noqa: ANN401
        import shapely

        if depth > DEEPEST:
            raise ValueError("nested too deeply")
        order = "<" if self._data[self._at] == 1 else ">"
        self._at += 1
        code = self._take(f"{order}I")
        kind, size = _split(code)
        if kind == 1:
            return shapely.Point(self._take_points(order, size, 1)[0])
        if kind == 2:
            return shapely.LineString(self._take_points(order, size))
        if kind == 3:
            rings = [self._take_points(order, size) for _ in range(self._take(f"{order}I"))]
            return shapely.Polygon(rings[0], rings[1:]) if rings else shapely.Polygon()
        if kind == 8:
            return shapely.LineString(_bend(self._take_points(order, size)))
        count = self._take(f"{order}I")
        parts = [self.read(depth + 1) for _ in range(min(count, len(self._data)))]
        if kind == 9:
            coordinates = [shapely.get_coordinates(part) for part in parts]
            return shapely.LineString(np.concatenate(coordinates))
        if kind == 10:
            shells = [shapely.get_coordinates(part) for part in parts]
            return shapely.Polygon(shells[0], shells[1:]) if shells else shapely.Polygon()
        if kind in COLLECTIONS:
            return shapely.GeometryCollection(parts)
        raise ValueError(f"the geometry type {kind} is unknown")

    def _take(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return int(value)

    def _take_points(self, order: str, size: int, count: int | None = None) -> Points:
        """Points (N, 2) without heights and measures."""
        number = self._take(f"{order}I") if count is None else count
        if number * size * 8 > len(self._data):
            raise ValueError("fewer points than declared")
        found = np.frombuffer(self._data, f"{order}f8", number * size, self._at)
        self._at += found.nbytes
        return found.reshape(number, size)[:, :2].astype(np.float64)


def _split(code: int) -> tuple[int, int]:
    """Geometry type without Z and M flags, and the coordinates per point, for both encodings."""
    high, plain = code & 0xE0000000, code & 0x1FFFFFFF
    extra = bool(high & 0x80000000) + bool(high & 0x40000000)
    thousands = plain // 1000
    extra += (0, 1, 1, 2)[thousands] if thousands < 4 else 0
    return plain % 1000, 2 + extra


def _bend(points: Points) -> Points:
    """Convert arcs through three points each to segments."""
    arcs = [_bend_one(*points[at : at + 3]) for at in range(0, len(points) - 2, 2)]
    return np.concatenate([points[:1], *arcs])


def _bend_one(start: Points, middle: Points, end: Points) -> Points:
    """The points of one arc after its first."""
    is_circle = np.allclose(start, end)
    if is_circle:
        centre = (start + middle) / 2
        sweep = 2 * math.pi
    else:
        (ax, ay), (bx, by) = middle - start, end - start
        twice = 2 * (ax * by - ay * bx)
        if abs(twice) < 1e-12 * max(1.0, float(np.hypot(bx, by)) ** 2):
            return np.stack([middle, end])
        one, two = ax * ax + ay * ay, bx * bx + by * by
        centre = start + np.array([by * one - ay * two, ax * two - bx * one]) / twice
        sweep = 0.0
    first = math.atan2(*(start - centre)[::-1])
    if not is_circle:
        last = math.atan2(*(end - centre)[::-1])
        sweep = (last - first) % (2 * math.pi)
        to_middle, to_end = middle - start, end - start
        if to_middle[0] * to_end[1] < to_middle[1] * to_end[0]:  # the arc turns right
            sweep -= 2 * math.pi
    steps = max(2, math.ceil(abs(sweep) / (2 * math.pi) * SEGMENTS))
    angles = first + sweep * np.arange(1, steps + 1) / steps
    radius = float(np.hypot(*(start - centre)))
    bent = centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    bent[-1] = end
    return bent
