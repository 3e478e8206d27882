"""What every builder of objects needs, in one hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fewscape.synthetic.canvas import Canvas, Patch, Pose
from fewscape.synthetic.layout import Frame, Rect
from fewscape.synthetic.palette import Colour, Palette
from fewscape.synthetic.plants import Grove
from fewscape.synthetic.spec import Cover

Builder = Callable[[Pose, float, float], bool]
"""Builds something at a pose with these half sizes; False if there is no room."""
_NEARBY = ((0, 0), (-1, -1), (1, 1), (-1, 1), (1, -1), (1, 0), (-1, 0), (0, 1), (0, -1))


@dataclass(frozen=True, slots=True)
class Site:
    """One scene under construction."""

    canvas: Canvas
    frame: Frame
    palette: Palette
    grove: Grove
    rng: np.random.Generator
    sun: tuple[float, float]
    """Unit vector on the ground towards the sun."""
    density: float

    def chance(self, probability: float) -> bool:
        """True so often."""
        return bool(self.rng.random() < probability)

    def between(self, low: float, high: float) -> float:
        """A number of the range."""
        return float(self.rng.uniform(low, high))

    def pose(self, x: float, y: float, is_turned: bool = False) -> Pose:
        """The pose at a place of the plan, along its x axis or, turned, its y axis."""
        pose = self.frame.pose(x, y)
        return pose.turn() if is_turned else pose

    def settle(self, pose: Pose, half_u: float, half_v: float, build: Builder) -> bool:
        """Build where there is room near the pose, smaller if need be; False if nowhere.

        Rivers and railways cut through lots, so what was planned rarely fits as planned.
        """
        for scale in (1.0, 0.8, 0.62, 0.46):
            free_u, free_v = (1 - scale) * half_u, (1 - scale) * half_v
            for along, across in _NEARBY if scale < 1 else _NEARBY[:1]:
                spot = pose.shift(along * free_u, across * free_v)
                if build(spot, scale * half_u, scale * half_v):
                    return True
        return False

    def cover(
        self, rect: Rect, colour: Colour, label: Cover, grain: float = 0.05, patches: float = 0.05
    ) -> Patch | None:
        """Lay one ground over a rectangle of the plan, except where something is built."""
        patch = self.frame.patch(rect)
        if patch is None:
            return None
        mask = patch.inside & ~self.canvas.taken[patch.slices]
        light = 1 + np.float32(patches) * self.canvas.noise.patchy[patch.slices]
        self.canvas.paint(patch, mask, colour[:, None, None] * light, label, grain=grain)
        return patch

    def plant(self, x: float, y: float, radius: float, tint: int | None = None) -> None:
        """Grow a tree at a place of the plan, unless something is built there."""
        ground = self.frame.to_ground([(x, y)])[0]
        self.plant_ground(float(ground[0]), float(ground[1]), radius, tint)

    def plant_ground(self, x: float, y: float, radius: float, tint: int | None = None) -> None:
        """Grow a tree at a place on the ground, unless something is built there."""
        if self.canvas.is_free(x, y):
            self.grove.plant(self.canvas, self.rng, x, y, radius, tint)


def oriented(site: Site, rect: Rect) -> tuple[Pose, float, float]:
    """The pose along the longer side of a rectangle, and its half sizes."""
    is_turned = rect.depth > rect.width
    pose = site.pose(*rect.centre, is_turned=is_turned)
    sides = (rect.depth, rect.width) if is_turned else (rect.width, rect.depth)
    return pose, sides[0] / 2, sides[1] / 2


def scatter(site: Site, rect: Rect, spacing: float) -> npt.NDArray[np.float64]:
    """(N, 2) jittered places of the plan, one for each cell of ``spacing`` metres."""
    x = np.arange(rect.x0, rect.x1, spacing)
    y = np.arange(rect.y0, rect.y1, spacing)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return grid + site.rng.random(grid.shape) * spacing
