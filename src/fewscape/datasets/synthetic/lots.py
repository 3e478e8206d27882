"""What fills one lot of the street plan; every filler takes the site and its rectangle."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from fewscape.datasets.synthetic.buildings import Roof, add_block, add_hall, add_house
from fewscape.datasets.synthetic.canvas import Pose
from fewscape.datasets.synthetic.ground import fill_water
from fewscape.datasets.synthetic.layout import Rect
from fewscape.datasets.synthetic.objects import (
    add_car,
    add_containers,
    add_court,
    add_greenhouses,
    add_panel_rows,
    add_pool,
    add_tank,
    add_track,
    num_court_colours,
)
from fewscape.datasets.synthetic.palette import PAINT, Colour, mix, pick, vary
from fewscape.datasets.synthetic.site import Site
from fewscape.datasets.synthetic.spec import Cover
from fewscape.datasets.synthetic.textures import saw, smooth_step, wave


def oriented(site: Site, rect: Rect) -> tuple[Pose, float, float]:
    """The pose along the longer side of a rectangle, and its half sizes."""
    is_turned = rect.depth > rect.width
    pose = site.pose(*rect.centre, is_turned=is_turned)
    sides = (rect.depth, rect.width) if is_turned else (rect.width, rect.depth)
    return pose, sides[0] / 2, sides[1] / 2


def scatter(site: Site, rect: Rect, spacing: float) -> np.typing.NDArray[np.float64]:
    """(N, 2) jittered places of the plan, one for each cell of ``spacing`` metres."""
    x = np.arange(rect.x0, rect.x1, spacing)
    y = np.arange(rect.y0, rect.y1, spacing)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return grid + site.rng.random(grid.shape) * spacing


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


def fill_courts(site: Site, rect: Rect) -> None:
    """A group of equal courts."""
    site.cover(rect, vary(site.rng, site.palette.lush, 0.05), Cover.GRASS)
    surface = int(site.rng.integers(num_court_colours()))
    border = int(site.rng.integers(num_court_colours()))
    is_tennis = site.chance(0.65)
    is_turned = rect.depth > rect.width
    along, across = (19.5, 37.0) if is_turned else (37.0, 19.5)
    num_x, num_y = int(rect.width / along), int(rect.depth / across)
    if num_x * num_y == 0:
        along, across, is_turned = across, along, not is_turned
        num_x, num_y = int(rect.width / along), int(rect.depth / across)
    num_x, num_y = min(num_x, 4), min(num_y, 4)
    for index in range(num_x * num_y):
        x = rect.centre[0] + (index % num_x - (num_x - 1) / 2) * along
        y = rect.centre[1] + (index // num_x - (num_y - 1) / 2) * across
        add_court(site, site.pose(x, y, is_turned), surface, border, is_tennis)
    line_with_trees(site, rect, 8)


def fill_track(site: Site, rect: Rect) -> None:
    """A running track with its pitch, as large as the lot allows."""
    site.cover(rect, vary(site.rng, site.palette.lush, 0.05), Cover.GRASS)
    pose, half_u, half_v = oriented(site, rect.inset(2))
    half_v = min(half_v, 46.0, 0.52 * half_u)
    if half_v < 11 or not site.settle(pose, half_v / 0.52, half_v, partial(add_track, site)):
        fill_courts(site, rect)
        return
    line_with_trees(site, rect, 9)


def fill_bath(site: Site, rect: Rect) -> None:
    """A public bath: large pools on lawns, a building."""
    site.cover(rect, vary(site.rng, site.palette.lush, 0.05), Cover.GRASS)
    pose, half_u, half_v = oriented(site, rect.inset(2))
    long = min(25.0 if site.chance(0.4) else 12.5, half_u * 0.6)
    add_pool(site, pose.shift(-0.3 * half_u, -0.3 * half_v), long, min(8.0, 0.35 * half_v))
    add_pool(site, pose.shift(0.35 * half_u, 0.35 * half_v), long * 0.5, min(6.0, 0.3 * half_v))
    add_pool(site, pose.shift(0.65 * half_u, -0.3 * half_v), 4.5, 3.5)
    house = pose.shift(-0.4 * half_u, 0.6 * half_v)
    add_block(site, house, min(12, 0.5 * half_u), min(5, 0.25 * half_v))
    for x, y in scatter(site, rect, 12):
        if site.chance(0.4):
            site.plant(float(x), float(y), site.between(1.7, 4))


def fill_field(site: Site, rect: Rect) -> None:
    """One crop in rows, with tramlines, headland and patches of better growth."""
    patch = site.frame.patch(rect.inset(site.between(1, 3)))
    if patch is None:
        return
    canvas, palette = site.canvas, site.palette
    crop = pick(site.rng, palette.crops, 0.1)
    slope = (0.0, 0.0, site.between(-0.4, 0.4))[int(site.rng.integers(3))]
    along, across = (patch.u, patch.v) if site.chance(0.5) else (patch.v, patch.u)
    norm = math.sqrt(1 + slope * slope)
    across = np.float32(1 / norm) * across + np.float32(slope / norm) * along
    period = max(site.between(0.8, 4.5), site.between(2.6, 5) * canvas.resolution)
    light = 1 + np.float32(site.between(0.02, 0.13)) * wave(across / np.float32(period))
    light += np.float32(site.between(0.03, 0.1)) * canvas.noise.broad[patch.slices]
    light += np.float32(site.between(0.02, 0.07)) * canvas.noise.patchy[patch.slices]
    spacing = site.between(14, 28)
    tram = saw(across / np.float32(spacing))
    thick = max(0.5, 0.6 * canvas.resolution) / spacing
    rut = (np.abs(tram - 0.5) < thick) & (site.chance(0.6))
    colour = np.asarray(crop[:, None, None] * light, dtype=np.float32)
    second = mix(crop, palette.soil, site.between(0, 0.35))[:, None, None]
    share = np.clip(canvas.noise.broad[patch.slices] * 0.8, 0, 1)
    colour += (second - colour) * share
    colour += (palette.soil[:, None, None] - colour) * (np.float32(0.45) * rut)
    mask = patch.inside & ~canvas.taken[patch.slices]
    canvas.paint(patch, mask, colour, Cover.FIELD, grain=0.05)


def fill_soil(site: Site, rect: Rect) -> None:
    """Trodden soil: the tracks that stay visible between fields."""
    soil = mix(site.palette.soil, site.palette.grass, site.between(0, 0.5))
    site.cover(rect, soil, Cover.BARE, 0.06, 0.08)


def fill_orchard(site: Site, rect: Rect) -> None:
    """Equal trees in rows on grass or soil."""
    is_tilled = site.chance(0.4)
    ground = site.palette.soil if is_tilled else site.palette.grass
    site.cover(rect, vary(site.rng, ground, 0.06), Cover.BARE if is_tilled else Cover.GRASS)
    radius = site.between(1.3, 2.6)
    tint = int(site.rng.integers(len(site.grove.tints)))
    for x in np.arange(rect.x0 + 3, rect.x1 - 2, radius * site.between(2.6, 3.4)):
        for y in np.arange(rect.y0 + 3, rect.y1 - 2, radius * 2.2):
            if site.chance(0.94):
                site.plant(float(x), float(y), radius * site.between(0.8, 1.15), tint)


def fill_greenhouses(site: Site, rect: Rect) -> None:
    """Groups of greenhouses."""
    site.cover(
        rect, vary(site.rng, mix(site.palette.soil, site.palette.grass, 0.4), 0.05), Cover.BARE
    )
    for strip in rect.rows(max(1, round(max(rect.width, rect.depth) / 45)), gap=8):
        pose, half_u, half_v = oriented(site, strip.inset(3))
        half_u, half_v = half_u * site.between(0.8, 1), half_v * site.between(0.8, 1)
        site.settle(pose, half_u, half_v, partial(add_greenhouses, site))


def fill_solar_park(site: Site, rect: Rect) -> None:
    """A solar park on grass."""
    site.cover(rect, site.palette.grass, Cover.GRASS)
    for strip in rect.rows(max(1, round(max(rect.width, rect.depth) / 70)), gap=6):
        pose, half_u, half_v = oriented(site, strip.inset(4))
        site.settle(pose, half_u, half_v, partial(add_panel_rows, site))


def fill_wood(site: Site, rect: Rect) -> None:
    """Closed woodland with an uneven edge."""
    patch = site.frame.patch(rect)
    if patch is None:
        return
    canvas = site.canvas
    edge = np.minimum(
        np.minimum(patch.u - rect.x0, rect.x1 - patch.u),
        np.minimum(patch.v - rect.y0, rect.y1 - patch.v),
    )
    inner = edge + 5 * canvas.noise.patchy[patch.slices] > 4.5
    mask = patch.inside & inner & ~canvas.taken[patch.slices]
    shade: Colour = site.grove.tints[0] * np.float32(0.72)
    canvas.paint(patch, mask, shade, Cover.TREE, 1.0, 0.12)
    spacing = site.between(3.2, 4.6)
    favourite = int(site.rng.integers(len(site.grove.tints)))
    ground = site.frame.to_ground(scatter(site, rect, spacing))
    for x, y in ground:
        if canvas.label_at(x, y) == Cover.TREE:
            tint = favourite if site.chance(0.35) else None
            site.plant_ground(float(x), float(y), spacing * site.between(0.5, 1.05), tint)


def fill_park(site: Site, rect: Rect) -> None:
    """Lawn with a pond, paths and groups of trees."""
    site.cover(rect, vary(site.rng, site.palette.lush, 0.06), Cover.GRASS, 0.05, 0.08)
    patch = site.frame.patch(rect)
    if patch is None:
        return
    canvas = site.canvas
    if min(rect.width, rect.depth) > 30:
        fill_pond(site, rect.inset(0.12 * min(rect.width, rect.depth)))
    swing = 0.18 * rect.depth * wave(patch.u / np.float32(1.3 * rect.width))
    paths = np.abs(patch.v - np.float32(rect.centre[1]) - swing) < 1.3
    paths |= np.abs(patch.u - np.float32(rect.centre[0] - 0.3 * rect.width) + swing * 0.5) < 1.1
    mask = patch.inside & paths & ~canvas.taken[patch.slices]
    gravel = mix(site.palette.soil, site.palette.concrete, 0.6)
    canvas.paint(patch, mask, gravel, Cover.PAVEMENT, grain=0.05)
    for x, y in scatter(site, rect, 9.5):
        if site.chance(0.42):
            site.plant(float(x), float(y), site.between(1.5, 5))


def fill_pond(site: Site, rect: Rect) -> None:
    """A pond with an uneven shore."""
    pose, half_u, half_v = oriented(site, rect)
    patch = site.canvas.patch(pose, half_u, half_v)
    if patch is None:
        return
    u, v = patch.u / np.float32(half_u), patch.v / np.float32(half_v)
    level = 0.62 - u * u - v * v + np.float32(0.2) * site.canvas.noise.broad[patch.slices]
    level += np.float32(0.1) * wave(patch.u / np.float32(1.1 * half_u)) * np.sign(v)
    level += np.float32(0.04) * site.canvas.noise.patchy[patch.slices]
    level = np.minimum(level, 3 * np.minimum(1 - np.abs(u), 1 - np.abs(v)) - 0.1)
    inwards = np.where(patch.inside, level * np.float32(half_v * 0.8), -99).astype(np.float32)
    if not np.any(site.canvas.taken[patch.slices] & (inwards > -2.5)):
        fill_water(site, patch, inwards, site.between(3, 9))


def fill_bare(site: Site, rect: Rect) -> None:
    """A building site, quarry or sand field: heaps, wheel tracks, a few machines."""
    soil = pick(
        site.rng, [site.palette.soil, mix(site.palette.soil, site.palette.concrete, 0.6)], 0.08
    )
    patch = site.cover(rect.inset(1), soil, Cover.BARE, 0.08, 0.1)
    if patch is None:
        return
    canvas = site.canvas
    mask = patch.inside & ~canvas.taken[patch.slices]
    noise = canvas.noise
    churned = smooth_step(0.5 + 0.9 * noise.broad[patch.slices] - 0.6 * noise.patchy[patch.slices])
    second = soil * np.float32(site.between(0.72, 0.9))
    colour = soil[:, None, None] + (second - soil)[:, None, None] * churned
    canvas.paint(patch, mask, colour, grain=0.08)
    heaps = np.clip(noise.patchy[patch.slices] - 0.75, 0, 1) * 6
    canvas.height[patch.slices][mask] = heaps[mask]
    bend = 14 * noise.broad[patch.slices]
    for _ in range(3):
        at = site.between(0.1, 0.9)
        off = np.abs(patch.v - np.float32(rect.y0 + at * rect.depth) + bend * site.between(-1, 1))
        track = mask & (np.abs(off - 1.2) < 0.7)
        canvas.paint(patch, track, soil * np.float32(site.between(0.82, 1.12)), grain=0.06)
    for x, y in scatter(site, rect, 26):
        if site.chance(0.12):
            add_car(site, site.pose(float(x), float(y), site.chance(0.5)), is_parked=False)
        elif site.chance(0.4):
            site.plant(float(x), float(y), site.between(0.8, 2.6))


def line_with_trees(site: Site, rect: Rect, spacing: float) -> None:
    """Trees along the edges of a rectangle, with gaps."""
    edge = rect.inset(1.5)
    tint = int(site.rng.integers(len(site.grove.tints)))
    for x in np.arange(edge.x0, edge.x1, spacing):
        for y in (edge.y0, edge.y1):
            if site.chance(0.7):
                site.plant(float(x), y, site.between(1.6, 3.2), tint)
    for y in np.arange(edge.y0, edge.y1, spacing):
        for x in (edge.x0, edge.x1):
            if site.chance(0.7):
                site.plant(x, float(y), site.between(1.6, 3.2), tint)
