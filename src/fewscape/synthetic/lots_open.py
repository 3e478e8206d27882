"""What fills a lot of open land or sport; every filler takes the site and its rectangle."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from fewscape.synthetic.buildings import add_block
from fewscape.synthetic.ground import fill_water
from fewscape.synthetic.layout import Rect
from fewscape.synthetic.objects import (
    add_car,
    add_court,
    add_greenhouses,
    add_panel_rows,
    add_pool,
    add_track,
    num_court_colours,
)
from fewscape.synthetic.palette import Colour, mix, pick, vary
from fewscape.synthetic.site import Site, oriented, scatter
from fewscape.synthetic.spec import Cover
from fewscape.synthetic.textures import saw, smooth_step, wave


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
    ragged = 5 * canvas.noise.patchy[patch.slices] + 16 * canvas.noise.broad[patch.slices]
    inner = edge + ragged > 5
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
