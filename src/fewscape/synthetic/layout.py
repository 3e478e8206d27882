"""Where things are: a gently warped street plan of rectangles, and roads between them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fewscape.synthetic.canvas import Patch, Pose
from fewscape.synthetic.textures import Array, value_noise


class Rect(NamedTuple):
    """A rectangle of the street plan, in metres."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        """Extent along x."""
        return self.x1 - self.x0

    @property
    def depth(self) -> float:
        """Extent along y."""
        return self.y1 - self.y0

    @property
    def centre(self) -> tuple[float, float]:
        """The middle."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def inset(self, margin: float) -> Rect:
        """The rectangle without a margin, never turned inside out."""
        margin = min(margin, 0.45 * self.width, 0.45 * self.depth)
        return Rect(self.x0 + margin, self.y0 + margin, self.x1 - margin, self.y1 - margin)

    def cut(self, is_vertical: bool, at: float, gap: float = 0.0) -> tuple[Rect, Rect]:
        """Both sides of a line x = at (vertical) or y = at, with a gap between them."""
        if is_vertical:
            return self._replace(x1=at - gap / 2), self._replace(x0=at + gap / 2)
        return self._replace(y1=at - gap / 2), self._replace(y0=at + gap / 2)

    def rows(self, num: int, gap: float = 0.0) -> list[Rect]:
        """Strips of equal width across the longer side."""
        step = max(self.width, self.depth) / num
        if self.width >= self.depth:
            starts = [self.x0 + step * index for index in range(num)]
            return [self._replace(x0=at + gap / 2, x1=at + step - gap / 2) for at in starts]
        starts = [self.y0 + step * index for index in range(num)]
        return [self._replace(y0=at + gap / 2, y1=at + step - gap / 2) for at in starts]


@dataclass(frozen=True, slots=True)
class Road:
    """A straight line of the street plan; the warp of the plan bends it."""

    is_vertical: bool
    at: float
    start: float
    stop: float
    width: float
    is_main: bool

    def rect(self, extra: float = 0.0) -> Rect:
        """The ground it covers, with ``extra`` metres on either side."""
        half = self.width / 2 + extra
        if self.is_vertical:
            return Rect(self.at - half, self.start, self.at + half, self.stop)
        return Rect(self.start, self.at - half, self.stop, self.at + half)

    def axes(self, patch: Patch) -> tuple[Array, Array]:
        """Metres along the road and from its middle, of each pixel of the patch."""
        along, across = (patch.v, patch.u) if self.is_vertical else (patch.u, patch.v)
        return along, across - np.float32(self.at)

    def point(self, along: float, across: float) -> tuple[float, float]:
        """The place in the plan, so far along and off the middle."""
        if self.is_vertical:
            return self.at + across, along
        return along, self.at + across


class Frame:
    """The map between the ground and the street plan: a rotation and a smooth warp."""

    def __init__(
        self,
        size: tuple[int, int],
        resolution: float,
        rng: np.random.Generator,
        slope: float,
        bend: float,
    ) -> None:
        self.size = size
        self.resolution = resolution
        norm = math.sqrt(1 + slope * slope)
        self.cos, self.sin = 1 / norm, slope / norm
        cell = 260 / resolution
        self.warp_x = np.float32(bend) * value_noise(rng, size, cell)
        self.warp_y = np.float32(bend) * value_noise(rng, size, cell)
        y = (np.arange(size[0], dtype=np.float32) + np.float32(0.5)) * np.float32(resolution)
        x = (np.arange(size[1], dtype=np.float32) + np.float32(0.5)) * np.float32(resolution)
        cos, sin = np.float32(self.cos), np.float32(self.sin)
        self.plan_x: Array = cos * x + sin * y[:, None] + self.warp_x
        self.plan_y: Array = cos * y[:, None] - sin * x + self.warp_y

    @property
    def bounds(self) -> Rect:
        """The part of the plan that the scene sees."""
        return Rect(
            float(self.plan_x.min()),
            float(self.plan_y.min()),
            float(self.plan_x.max()),
            float(self.plan_y.max()),
        )

    def to_ground(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """(N, 2) places in metres on the ground of (N, 2) places in the plan."""
        target = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        shifted = target.copy()
        ground = self._unrotate(shifted)
        for _ in range(4):
            cells = (ground / self.resolution).astype(np.intp)
            row = np.clip(cells[:, 1], 0, self.size[0] - 1)
            col = np.clip(cells[:, 0], 0, self.size[1] - 1)
            shifted[:, 0] = target[:, 0] - self.warp_x[row, col]
            shifted[:, 1] = target[:, 1] - self.warp_y[row, col]
            ground = self._unrotate(shifted)
        return ground

    def _unrotate(self, plan: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        x, y = plan[:, 0], plan[:, 1]
        return np.stack([self.cos * x - self.sin * y, self.sin * x + self.cos * y], axis=1)

    def pose(self, x: float, y: float) -> Pose:
        """The pose on the ground of a place in the plan, along the plan's x axis."""
        ground = self.to_ground([(x, y), (x - 3, y), (x + 3, y)])
        step_x, step_y = ground[2] - ground[1]
        norm = math.sqrt(step_x * step_x + step_y * step_y)
        return Pose(*(float(value) for value in (*ground[0], step_x / norm, step_y / norm)))

    def patch(self, rect: Rect) -> Patch | None:
        """The pixels of a rectangle of the plan, u and v being the plan's x and y."""
        stops = np.linspace(0, 1, 5)
        x = rect.x0 + stops * rect.width
        y = rect.y0 + stops * rect.depth
        edge = [(a, b) for a in x for b in (y[0], y[-1])] + [
            (a, b) for b in y for a in (x[0], x[-1])
        ]
        ground = self.to_ground(edge) / self.resolution
        low = np.clip(np.floor(ground.min(axis=0)) - 3, 0, None).astype(int)
        high = np.ceil(ground.max(axis=0)).astype(int) + 3
        rows = slice(int(low[1]), min(int(high[1]), self.size[0]))
        cols = slice(int(low[0]), min(int(high[0]), self.size[1]))
        if rows.start >= rows.stop or cols.start >= cols.stop:
            return None
        u, v = self.plan_x[rows, cols], self.plan_y[rows, cols]
        inside = (u >= rect.x0) & (u < rect.x1) & (v >= rect.y0) & (v < rect.y1)
        return Patch(rows, cols, u, v, inside)


@dataclass(slots=True)
class StreetPlan:
    """Blocks and the roads between them."""

    blocks: list[Rect] = field(default_factory=list)
    roads: list[Road] = field(default_factory=list)

    def divide(
        self,
        rng: np.random.Generator,
        rect: Rect,
        target: float,
        sidewalk: float,
        depth: int = 0,
        reach: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
    ) -> None:
        """Cut the rectangle by roads until its parts are about ``target`` metres wide.

        Args:
            rng: chance.
            rect: what to divide.
            target: side of a block in metres.
            sidewalk: width of the pavement beside a road in metres.
            depth: cuts made so far; the first ones are main roads.
            reach: metres from each side (x0, y0, x1, y1) to the middle of the road there.
        """
        if max(rect.width, rect.depth) < 1.5 * target:
            self.blocks.append(rect)
            return
        is_vertical = rect.width * rng.uniform(0.8, 1.25) > rect.depth
        is_main = depth < 2
        width = float(rng.uniform(10, 15) if is_main else rng.uniform(6, 8.5))
        share = float(rng.uniform(0.38, 0.62))
        start, stop = (rect.y0, rect.y1) if is_vertical else (rect.x0, rect.x1)
        origin, extent = (rect.x0, rect.width) if is_vertical else (rect.y0, rect.depth)
        before, after = (reach[1], reach[3]) if is_vertical else (reach[0], reach[2])
        at = origin + share * extent
        self.roads.append(Road(is_vertical, at, start - before, stop + after, width, is_main))
        edge = width / 2 + sidewalk
        first, second = rect.cut(is_vertical, at, 2 * edge)
        left = (*reach[:2], edge, reach[3]) if is_vertical else (*reach[:3], edge)
        right = (edge, *reach[1:]) if is_vertical else (reach[0], edge, *reach[2:])
        self.divide(rng, first, target, sidewalk, depth + 1, left)
        self.divide(rng, second, target, sidewalk, depth + 1, right)
