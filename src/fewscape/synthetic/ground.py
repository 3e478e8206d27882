"""What lies under everything: land, rivers, roads and railways."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fewscape.synthetic.canvas import Canvas, Patch, Pose
from fewscape.synthetic.layout import Road
from fewscape.synthetic.objects import add_car
from fewscape.synthetic.palette import PAINT, Colour, Palette, mineral, mix, vary
from fewscape.synthetic.site import Site
from fewscape.synthetic.spec import Cover
from fewscape.synthetic.textures import Array, Mask, saw, smooth_step, wave


def lay_land(canvas: Canvas, palette: Palette) -> None:
    """Cover the whole scene with grass, or with sand and scrub where it is arid."""
    noise = canvas.noise
    share = smooth_step(0.5 + 0.55 * noise.broad + 0.3 * noise.patchy)
    first, second = (
        (palette.soil, palette.straw)
        if palette.is_arid
        else (palette.grass, mix(palette.grass, palette.straw, 0.4))
    )
    light = 1 + np.float32(0.08) * noise.patchy + np.float32(0.06) * noise.fine
    light += np.float32(0.03) * noise.grain
    change = second - first
    for band in range(4):
        canvas.colour[band] = (first[band] + change[band] * share) * light
    canvas.labels[:] = Cover.BARE if palette.is_arid else Cover.GRASS
    if palette.is_arid:
        canvas.labels[(share > 0.72)] = Cover.GRASS


@dataclass(frozen=True, slots=True)
class Course:
    """A winding line through the scene: a river, a highway or a railway."""

    along: Array
    """(H, W) metres along it."""
    off: Array
    """(H, W) metres off its middle, signed."""

    @classmethod
    def draw(cls, site: Site, swing: float, length: float) -> Course:
        """A line near the middle of the scene that swings so many metres over ``length``."""
        canvas, rng = site.canvas, site.rng
        height, width = (side * canvas.resolution for side in canvas.size)
        slope = float(rng.uniform(-0.7, 0.7))
        norm = math.sqrt(1 + slope * slope)
        cos, sin = (1 / norm, slope / norm) if rng.random() < 0.5 else (slope / norm, 1 / norm)
        shift = np.float32(rng.uniform(-0.33, 0.33) * min(height, width))
        y, x = (
            (np.arange(side, dtype=np.float32) + np.float32(0.5)) * np.float32(canvas.resolution)
            - np.float32(extent / 2)
            for side, extent in zip(canvas.size, (height, width), strict=True)
        )
        along = np.float32(cos) * x + np.float32(sin) * y[:, None]
        off = np.float32(cos) * y[:, None] - np.float32(sin) * x + shift
        for share, period in ((0.7, 1.0), (0.3, 0.43)):
            phase = along / np.float32(length * period) + np.float32(rng.random())
            off += np.float32(swing * share) * wave(phase)
        return cls(along, off)


def whole(canvas: Canvas) -> Patch:
    """The patch of the whole scene; its own coordinates are not used."""
    rows, cols = slice(0, canvas.size[0]), slice(0, canvas.size[1])
    return Patch(rows, cols, canvas.height, canvas.height, canvas.taken)


def fill_water(site: Site, patch: Patch, inwards: Array, deep_at: float) -> None:
    """Paint water and its shore.

    Args:
        site: the scene.
        patch: where.
        inwards: (h, w) metres from the shore, positive in the water.
        deep_at: metres from the shore where the colour of deep water is reached.
    """
    canvas, palette = site.canvas, site.palette
    shore = (inwards > -2.5) & (inwards <= 0)
    canvas.paint(patch, shore, mix(palette.soil, palette.straw, 0.3), Cover.BARE, grain=0.1)
    water = inwards > 0
    depth = smooth_step(inwards / np.float32(deep_at))
    depth += np.float32(0.16) * canvas.noise.broad[patch.slices]
    change = (palette.deep - palette.shallow)[:, None, None]
    ripples = 1 + np.float32(0.05) * canvas.noise.patchy[patch.slices]
    colour = (palette.shallow[:, None, None] + change * depth) * ripples
    canvas.paint(patch, water, colour, Cover.WATER, grain=0.035)
    canvas.taken[patch.slices] |= inwards > -4


def add_river(site: Site) -> None:
    """A winding river, its width changing along the way."""
    course = Course.draw(site, site.between(15, 50), site.between(220, 420))
    noise = site.canvas.noise
    half = site.between(7, 20) + 4 * noise.broad + 0.9 * noise.patchy
    inwards = np.asarray(half - np.abs(course.off), dtype=np.float32)
    fill_water(site, whole(site.canvas), inwards, site.between(4, 10))


def add_highway(site: Site) -> None:
    """A winding road of two carriageways with a grass verge between them."""
    canvas, palette = site.canvas, site.palette
    course = Course.draw(site, site.between(25, 60), site.between(400, 800))
    wide = site.between(7.5, 9)
    off = np.abs(course.off)
    patch = whole(canvas)
    tarmac = (off > 1.2) & (off < 1.2 + wide)
    crossed = np.isin(canvas.labels, (Cover.WATER, Cover.RAILWAY))
    verge = (off < 3.5 + wide) & ~crossed
    canvas.paint(patch, verge, mix(palette.lush, palette.soil, 0.4), Cover.GRASS)
    colour = worn(site, patch, vary(site.rng, palette.asphalt, 0.05), off - (1.2 + wide / 2))
    canvas.paint(patch, tarmac, colour, Cover.ROAD, height=np.where(crossed, 5, 0.3))
    paint_lines(site, patch, course.along, off - np.float32(1.2 + wide / 2), wide)
    canvas.taken |= off < 5 + wide
    _drive(site, course, wide)


def _drive(site: Site, course: Course, wide: float) -> None:
    """Cars in both carriageways of a highway."""
    canvas, rng = site.canvas, site.rng
    lane = np.abs(np.abs(course.off) - np.float32(1.2 + wide * 0.27)) < canvas.resolution / 2
    rows, cols = np.nonzero(lane[1:-1, 1:-1])
    num = int(len(rows) * canvas.resolution / 45)
    for index in rng.integers(0, max(1, len(rows)), num if len(rows) else 0):
        row, col = int(rows[index]) + 1, int(cols[index]) + 1
        down = float(course.off[row + 1, col] - course.off[row - 1, col])
        right = float(course.off[row, col + 1] - course.off[row, col - 1])
        norm = math.sqrt(down * down + right * right) or 1.0
        x, y = (col + 0.5) * canvas.resolution, (row + 0.5) * canvas.resolution
        add_car(site, Pose(x, y, down / norm, -right / norm), is_parked=False)


def add_railway(site: Site) -> None:
    """One to three tracks on ballast."""
    canvas, rng = site.canvas, site.rng
    course = Course.draw(site, site.between(5, 35), site.between(600, 1100))
    num = int(rng.integers(1, 4))
    half = 2.3 * num
    off = np.abs(course.off)
    patch = whole(canvas)
    tone = site.between(0.36, 0.52)
    ballast = vary(rng, mineral(tone, tone * 0.93, tone * 0.85), 0.04)
    canvas.paint(patch, off < half + 2.5, mix(site.palette.soil, ballast, 0.3), Cover.BARE, 0, 0.08)
    canvas.paint(patch, off < half, ballast, Cover.RAILWAY, 0.6, grain=0.09)
    near = np.abs(saw((course.off + np.float32(half)) / np.float32(4.6)) - 0.5) * np.float32(4.6)
    inside = off < half
    sleeper = inside & (near < 1.3) & (saw(course.along / max(1.3, 2.2 * canvas.resolution)) < 0.5)
    canvas.paint(patch, sleeper, ballast * np.float32(0.8))
    thick = max(0.12, 0.4 * canvas.resolution)
    rail = inside & (np.abs(near - np.float32(0.75)) < thick)
    canvas.paint(patch, rail, mineral(0.62, 0.58, 0.54) * np.float32(site.between(0.55, 1)))
    canvas.taken |= off < half + 3.5


def worn(site: Site, patch: Patch, tarmac: Colour, across: npt.NDArray[np.floating]) -> Array:
    """Road surface with darker wheel tracks and mended spots."""
    noise = site.canvas.noise
    light = 1 + np.float32(0.05) * noise.patchy[patch.slices]
    light -= np.float32(0.05) * wave(across / np.float32(1.8))
    return np.asarray(tarmac[:, None, None] * light, dtype=np.float32)


def paint_lines(site: Site, patch: Patch, along: Array, across: Array, width: float) -> None:
    """A dashed middle line and solid edge lines."""
    thick = max(0.09, 0.3 * site.canvas.resolution)
    off = np.abs(across)
    middle = (off < thick) & (saw(along / np.float32(9)) < 0.5)
    edge = np.abs(off - np.float32(width / 2 - 0.45)) < thick
    site.canvas.paint(patch, (middle | edge) & _is_road(site, patch), PAINT * np.float32(0.93))


def add_roads(site: Site, roads: list[Road], sidewalk: float) -> None:
    """Pavements first, then side streets, then main roads over them."""
    canvas, palette = site.canvas, site.palette
    for road in roads:
        patch = site.frame.patch(road.rect(sidewalk))
        if patch is not None and site.density > 0.25:
            mask = patch.inside & ~canvas.taken[patch.slices]
            canvas.paint(patch, mask, palette.concrete, Cover.PAVEMENT, grain=0.05)
    courses = canvas.taken.copy()
    for road in sorted(roads, key=lambda road: road.is_main):
        _add_road(site, road, courses)
    for road in roads:
        patch = site.frame.patch(road.rect(min(1.0, sidewalk)))
        if patch is not None:
            canvas.taken[patch.slices] |= patch.inside


def _add_road(site: Site, road: Road, courses: Mask) -> None:
    canvas = site.canvas
    patch = site.frame.patch(road.rect())
    if patch is None:
        return
    mask = patch.inside
    is_bridge = np.isin(canvas.labels[patch.slices], (Cover.WATER, Cover.ROAD))
    is_bridge &= courses[patch.slices]
    if not road.is_main:
        mask = mask & ~is_bridge
    along, across = road.axes(patch)
    tone = 0.06 if road.is_main else 0.1
    colour = worn(site, patch, vary(site.rng, site.palette.asphalt, tone), across)
    canvas.paint(patch, mask, colour, Cover.ROAD, grain=0.035)
    if road.is_main:
        canvas.height[patch.slices][mask & is_bridge] = 5
        paint_lines(site, patch, along, np.where(mask, across, 99), road.width)
    elif site.chance(0.6):
        _add_crossings(site, road, patch, along, across, mask)


def _add_crossings(
    site: Site, road: Road, patch: Patch, along: Array, across: Array, mask: Mask
) -> None:
    """Zebra stripes where the street meets the roads at its ends."""
    stripes = saw(across / np.float32(max(1.0, 3 * site.canvas.resolution))) < 0.5
    near_start = np.abs(along - np.float32(road.start + 10.5)) < 1.5
    near_end = np.abs(along - np.float32(road.stop - 10.5)) < 1.5
    site.canvas.paint(patch, mask & stripes & (near_start | near_end), PAINT * np.float32(0.9))


def _is_road(site: Site, patch: Patch) -> Mask:
    return np.asarray(site.canvas.labels[patch.slices] == Cover.ROAD)
