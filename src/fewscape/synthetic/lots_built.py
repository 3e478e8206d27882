"""What fills a built-up lot; every filler takes the site and the lot's rectangle."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from fewscape.synthetic.buildings import Roof, add_block, add_hall, add_house
from fewscape.synthetic.canvas import Pose
from fewscape.synthetic.layout import Rect
from fewscape.synthetic.objects import (
    add_car,
    add_containers,
    add_pool,
    add_tank,
)
from fewscape.synthetic.palette import PAINT, mix, vary
from fewscape.synthetic.site import Site, oriented, scatter
from fewscape.synthetic.spec import Cover
from fewscape.synthetic.textures import saw


def fill_houses(site: Site, rect: Rect) -> None:
    """Two rows of gardens with houses that face the streets."""
    lot_width = site.between(12.5, 22)
    is_long_x = rect.width >= rect.depth
    roof_mix: list[Roof] = ["gable", "gable", "hip", "hip", "flat"]
    usual: Roof = roof_mix[int(site.rng.integers(len(roof_mix)))]
    num = max(1, int(max(rect.width, rect.depth) / lot_width))
    num_rows = 2 if min(rect.width, rect.depth) > 34 else 1
    for strip in rect.rows(num):
        low, high = strip.cut(not is_long_x, strip.centre[0 if not is_long_x else 1])
        halves = [(low, -1), (high, 1)] if num_rows == 2 else [(strip, -1)]
        for lot, side in halves:
            roof = usual if site.chance(0.7) else roof_mix[int(site.rng.integers(len(roof_mix)))]
            _fill_garden(site, lot, is_long_x, side, roof)


def _fill_garden(site: Site, lot: Rect, is_long_x: bool, side: int, roof: Roof) -> None:
    """One plot; ``side`` tells at which end of its depth the street lies."""
    rng, palette = site.rng, site.palette
    lawn = mix(palette.lush, palette.grass, float(rng.random()))
    if palette.is_arid and site.chance(0.5):
        site.cover(lot.inset(0.3), vary(rng, palette.soil, 0.06), Cover.BARE)
    else:
        site.cover(lot.inset(0.3), vary(rng, lawn, 0.07), Cover.GRASS, 0.06, 0.1)
    width, depth = (lot.width, lot.depth) if is_long_x else (lot.depth, lot.width)

    def place(across: float, inwards: float) -> Pose:
        """A place by shares of the plot: -0.5 to 0.5 along the street, 0 to 1 away from it."""
        deep = 0.5 - inwards if side > 0 else inwards - 0.5
        offset = (across * width, deep * depth)
        x, y = lot.centre
        dx, dy = offset if is_long_x else (offset[1], offset[0])
        return site.pose(x + dx, y + dy, is_turned=not is_long_x)

    setback = site.between(0.26, 0.36)
    house = site.between(0.6, 0.84) * min(width, 22), min(site.between(8, 12.5), 0.5 * depth)
    shift = site.between(-0.08, 0.08)
    pose = place(shift, setback).rotate(site.between(-0.03, 0.03))
    if min(house) > 4:
        add_house(site, pose, *house, roof)
    _lay_drive(site, place(0.36 if site.chance(0.5) else -0.36, setback / 2), setback * depth / 2)
    if site.chance(0.3):
        pool = place(site.between(-0.2, 0.2), site.between(0.68, 0.8))
        pool = pool.turn() if site.chance(0.3) else pool
        add_pool(site, pool, site.between(3, 5.2), site.between(1.7, 2.6))
    if site.chance(0.3):
        shed = place(site.between(-0.35, 0.35), 0.9)
        add_house(site, shed, site.between(3, 5), site.between(2.5, 3.5), "gable")
    _grow_garden(site, lot)


def _lay_drive(site: Site, pose: Pose, half_length: float) -> None:
    """A paved drive across the front garden, with a car if there is room."""
    patch = site.canvas.patch(pose, 1.6, half_length)
    if patch is None:
        return
    mask = patch.inside & ~site.canvas.taken[patch.slices]
    stone = vary(site.rng, site.palette.concrete, 0.08)
    site.canvas.paint(patch, mask, stone, Cover.PAVEMENT, grain=0.04)
    if site.chance(0.5):
        spot = pose.turn()
        ends = (spot.shift(-2.4, 0), spot.shift(2.4, 0))
        if all(site.canvas.is_free(end.x, end.y) for end in ends):
            add_car(site, spot)


def _grow_garden(site: Site, lot: Rect) -> None:
    for _ in range(int(site.rng.integers(1, 5))):
        x = site.between(lot.x0, lot.x1)
        y = site.between(lot.y0, lot.y1)
        site.plant(x, y, site.between(1.0, 4.2))
    if site.chance(0.35):
        tint = int(site.rng.integers(len(site.grove.tints)))
        edge = lot.x0 if site.chance(0.5) else lot.x1
        for y in np.arange(lot.y0, lot.y1, 1.3):
            site.plant(edge, float(y), 0.9, tint)


def fill_blocks(site: Site, rect: Rect) -> None:
    """Blocks of flats or offices on lawns and paving."""
    paved = site.chance(0.5)
    ground = site.palette.concrete if paved else site.palette.lush
    site.cover(rect, vary(site.rng, ground, 0.05), Cover.PAVEMENT if paved else Cover.GRASS)
    num = max(1, round(max(rect.width, rect.depth) / site.between(26, 42)))
    for strip in rect.rows(num, gap=site.between(5, 11)):
        pose, half_u, half_v = oriented(site, strip.inset(site.between(2, 5)))
        half_u, half_v = half_u * site.between(0.75, 1), half_v * site.between(0.7, 1)
        site.settle(pose, half_u, half_v, partial(add_block, site))
    for x, y in scatter(site, rect, 13):
        if site.chance(0.4):
            site.plant(float(x), float(y), site.between(1.5, 3.4))


def fill_halls(site: Site, rect: Rect) -> None:
    """Industrial halls on a paved yard with lorries."""
    tone = mix(site.palette.asphalt, site.palette.concrete, float(site.rng.random()))
    site.cover(rect, vary(site.rng, tone, 0.05), Cover.PAVEMENT, 0.05, 0.06)
    num = max(1, round(max(rect.width, rect.depth) / site.between(38, 70)))
    for strip in rect.rows(num, gap=9):
        pose, half_u, half_v = oriented(site, strip.inset(4))
        half_u, half_v = half_u * site.between(0.7, 1), half_v * site.between(0.7, 1)
        site.settle(pose, half_u, half_v, partial(add_hall, site))
        for _ in range(4):
            if site.chance(0.6):
                x, y = site.between(strip.x0, strip.x1), site.between(strip.y0, strip.y1)
                spot = site.pose(x, y, is_turned=site.chance(0.5))
                if site.canvas.is_free(spot.x, spot.y):
                    add_car(site, spot, is_parked=site.chance(0.5))


def fill_tanks(site: Site, rect: Rect) -> None:
    """A tank farm: groups of equal tanks inside walls."""
    site.cover(
        rect, vary(site.rng, mix(site.palette.soil, site.palette.concrete, 0.5), 0.06), Cover.BARE
    )
    for strip in rect.rows(max(1, round(max(rect.width, rect.depth) / 55)), gap=3):
        radius = min(site.between(4.5, 13), 0.42 * min(strip.width, strip.depth))
        if radius < 2:
            continue
        step = 2 * radius + site.between(3, 7)
        num_x = max(1, int((strip.width - 2) / step))
        num_y = max(1, int((strip.depth - 2) / step))
        x0 = strip.centre[0] - (num_x - 1) * step / 2
        y0 = strip.centre[1] - (num_y - 1) * step / 2
        for index in range(num_x * num_y):
            if site.chance(0.9):
                pose = site.pose(x0 + (index % num_x) * step, y0 + (index // num_x) * step)
                add_tank(site, pose, radius)


def fill_containers(site: Site, rect: Rect) -> None:
    """A container yard in two or more stacks."""
    site.cover(rect, vary(site.rng, site.palette.concrete, 0.06), Cover.PAVEMENT)
    for strip in rect.rows(max(1, round(max(rect.width, rect.depth) / 55)), gap=10):
        pose, half_u, half_v = oriented(site, strip.inset(3))
        site.settle(pose, half_u, half_v, partial(add_containers, site))


def fill_parking(site: Site, rect: Rect) -> None:
    """A car park: marked stalls on both sides of its lanes, islands with trees."""
    pose, half_u, half_v = oriented(site, rect.inset(1.5))
    site.settle(pose, half_u, half_v, partial(_add_parking, site))


def _add_parking(site: Site, pose: Pose, half_u: float, half_v: float) -> bool:
    patch = site.canvas.claim(pose, half_u, half_v, 0)
    if patch is None:
        return False
    canvas = site.canvas
    tone = vary(
        site.rng, mix(site.palette.asphalt, site.palette.concrete, site.between(0, 0.5)), 0.07
    )
    light = 1 + np.float32(0.06) * canvas.noise.patchy[patch.slices]
    canvas.paint(patch, patch.inside, tone[:, None, None] * light, Cover.PARKING, 0, 0.035)
    module = 2 * half_v / max(1, round(2 * half_v / 16.5))
    across = saw((patch.v + np.float32(half_v)) / np.float32(module)) * np.float32(module)
    is_stall = (across < 5) | (across > module - 5)
    thick = max(0.07, 0.36 * canvas.resolution)
    line = np.abs(saw(patch.u / np.float32(2.7)) - 0.5) * np.float32(2.7) < thick
    canvas.paint(patch, patch.inside & is_stall & line, PAINT * np.float32(0.95))
    filled = site.between(0.25, 0.85)
    _park(site, pose, half_u, half_v, module, filled)
    return True


def _park(
    site: Site, pose: Pose, half_u: float, half_v: float, module: float, filled: float
) -> None:
    """Cars in the stalls and trees on the islands."""
    stalls = np.arange(math.ceil(-half_u / 2.7) + 1, math.floor(half_u / 2.7)) * 2.7
    for lane in range(round(2 * half_v / module)):
        for offset in (2.6, module - 2.6):
            across = -half_v + lane * module + offset
            for along in stalls[site.rng.random(len(stalls)) < filled]:
                turned = pose.shift(float(along), across).turn()
                wiggle = site.between(-0.25, 0.25)
                add_car(site, turned.shift(wiggle, 0))
        if lane and site.chance(0.7):
            for along in stalls[::4]:
                spot = pose.shift(float(along), -half_v + lane * module)
                site.grove.plant(site.canvas, site.rng, spot.x, spot.y, site.between(1.2, 2.4))
