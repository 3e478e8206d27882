"""Things smaller than a lot: cars, tanks, pools, courts, tracks, greenhouses, containers."""

from __future__ import annotations

import math

import numpy as np

from fewscape.synthetic.buildings import paint_panels
from fewscape.synthetic.canvas import Pose
from fewscape.synthetic.palette import PAINT, liquid, mineral, mix, pick, vary
from fewscape.synthetic.site import Site
from fewscape.synthetic.spec import Cover
from fewscape.synthetic.textures import Array, Mask, saw, wave

_CARS = [
    mineral(0.90, 0.90, 0.90),
    mineral(0.88, 0.88, 0.87),
    mineral(0.12, 0.12, 0.13),
    mineral(0.65, 0.66, 0.68),
    mineral(0.40, 0.41, 0.43),
    mineral(0.62, 0.14, 0.13),
    mineral(0.16, 0.25, 0.50),
    mineral(0.55, 0.50, 0.42),
]
_TANKS = [
    mineral(0.90, 0.90, 0.89),
    mineral(0.76, 0.77, 0.77),
    mineral(0.58, 0.59, 0.58),
    mineral(0.62, 0.47, 0.38),
    mineral(0.50, 0.60, 0.56),
]
_POOLS = [
    liquid(0.30, 0.70, 0.78),
    liquid(0.22, 0.58, 0.75),
    liquid(0.45, 0.78, 0.80),
    liquid(0.16, 0.45, 0.62),
    liquid(0.30, 0.55, 0.52),
]
_COURTS = [
    mineral(0.62, 0.36, 0.26),
    mineral(0.28, 0.42, 0.60),
    mineral(0.27, 0.45, 0.34),
    mineral(0.50, 0.33, 0.55),
    mineral(0.45, 0.46, 0.47),
    mineral(0.66, 0.30, 0.28),
    mineral(0.33, 0.52, 0.42),
]
_LANES = [
    mineral(0.64, 0.32, 0.26),
    mineral(0.56, 0.28, 0.27),
    mineral(0.32, 0.42, 0.58),
    mineral(0.42, 0.40, 0.41),
    mineral(0.70, 0.45, 0.34),
]
_BOXES = [
    mineral(0.62, 0.26, 0.20),
    mineral(0.20, 0.34, 0.55),
    mineral(0.25, 0.45, 0.34),
    mineral(0.80, 0.80, 0.78),
    mineral(0.75, 0.50, 0.22),
    mineral(0.45, 0.46, 0.48),
    mineral(0.36, 0.22, 0.20),
    mineral(0.30, 0.55, 0.62),
]


def add_car(site: Site, pose: Pose, is_parked: bool = True) -> None:
    """A car or, moving and seldom, a lorry."""
    is_lorry = not is_parked and site.chance(0.1)
    half_u = site.between(4, 6.5) if is_lorry else site.between(2.0, 2.45)
    half_v = 1.25 if is_lorry else site.between(0.85, 1.0)
    patch = site.canvas.patch(pose, half_u, half_v)
    if patch is None:
        return
    canvas = site.canvas
    ground = canvas.height[patch.slices][patch.inside].max(initial=0)
    colour = pick(site.rng, _CARS, 0.05)
    height = ground + (3.2 if is_lorry else 1.0)
    canvas.paint(patch, patch.inside, colour, Cover.CAR, height, 0.02)
    if not is_lorry:
        cabin = patch.inside & (np.abs(patch.u + 0.2) < 0.62 * half_u)
        cabin &= np.abs(patch.v) < 0.9 * half_v
        canvas.paint(patch, cabin, mineral(0.16, 0.19, 0.22), None, ground + 1.4, 0.02)
        roof = cabin & (np.abs(patch.u + 0.25) < 0.34 * half_u)
        canvas.paint(patch, roof, colour, None, ground + 1.5, 0.02)
    canvas.taken[patch.slices] |= patch.inside


def add_tank(site: Site, pose: Pose, radius: float) -> bool:
    """A round storage tank with a cone or a floating roof; False if there is no room."""
    patch = site.canvas.claim(pose, radius, radius, 0.8)
    if patch is None:
        return False
    from_middle = np.sqrt(patch.u * patch.u + patch.v * patch.v)
    inside = from_middle < radius
    eave = site.between(0.6, 1.1) * min(radius, 12)
    colour = pick(site.rng, _TANKS, 0.05)
    rim = from_middle > radius - max(0.5, site.canvas.resolution)
    if site.chance(0.5):
        height = eave + np.float32(0.22) * (np.float32(radius) - from_middle)
    else:
        height = np.where(rim, eave, eave - 0.25 * eave).astype(np.float32)
    seams = np.abs(saw(from_middle / np.float32(max(2.5, radius / 3))) - 0.5) < 0.06
    light = 1 - np.float32(0.08) * seams + np.float32(0.08) * rim
    light += np.float32(0.04) * site.canvas.noise.patchy[patch.slices]
    tinted = (colour[:, None, None] * light).astype(np.float32)
    site.canvas.paint(patch, inside, tinted, Cover.TANK, height, 0.02)
    stair = inside & (np.abs(patch.v) < max(0.4, 0.6 * site.canvas.resolution)) & (patch.u > 0)
    site.canvas.paint(patch, stair, colour * np.float32(0.72), None, None)
    return True


def add_pool(site: Site, pose: Pose, half_u: float, half_v: float) -> bool:
    """A swimming pool in its deck; only the water has the class. False if there is no room."""
    deck = site.between(1.2, 2.4)
    patch = site.canvas.claim(pose, half_u + deck, half_v + deck, 0.3)
    if patch is None:
        return False
    stone = vary(site.rng, mix(site.palette.concrete, mineral(0.78, 0.72, 0.64), 0.5), 0.08)
    site.canvas.paint(patch, patch.inside, stone, Cover.PAVEMENT, 0, 0.04)
    across = patch.v + np.float32(0.35 * half_v * (half_u < 8 and site.chance(0.35))) * wave(
        patch.u / np.float32(3.1 * half_u)
    )
    u, v = np.abs(patch.u) / np.float32(half_u), np.abs(across) / np.float32(half_v)
    power = 2 if site.chance(0.3) else 6
    water = u**power + v**power < 1
    ripples = 1 + np.float32(0.07) * site.canvas.noise.fine[patch.slices]
    ripples += np.float32(site.between(0, 0.12)) * patch.u / np.float32(half_u)
    colour = pick(site.rng, _POOLS, 0.06)[:, None, None] * ripples
    if half_u > 11:
        colour = colour * (1 - np.float32(0.35) * (saw(patch.v / np.float32(2.5)) < 0.16))
    site.canvas.paint(patch, water, colour.astype(np.float32), Cover.POOL, grain=0.03)
    return True


def add_court(site: Site, pose: Pose, surface: int, border: int, is_tennis: bool) -> bool:
    """A tennis or basketball court, all of it one class; False if there is no room.

    Args:
        site: the scene.
        pose: its middle and length.
        surface: which colour of the store the playing field has.
        border: which colour lies around it.
        is_tennis: tennis lines and net, or basketball lines.
    """
    half_u, half_v = (17.0, 8.5) if is_tennis else (15.5, 9.0)
    patch = site.canvas.claim(pose, half_u, half_v, 0.4)
    if patch is None:
        return False
    canvas, u, v = site.canvas, np.abs(patch.u), np.abs(patch.v)
    field_u, field_v = (11.9, 5.5) if is_tennis else (14.0, 7.5)
    canvas.paint(patch, patch.inside, _COURTS[border % len(_COURTS)], Cover.COURT, 0, 0.04)
    field = (u < field_u) & (v < field_v)
    canvas.paint(patch, field, _COURTS[surface % len(_COURTS)], grain=0.04)
    lines = _tennis_lines if is_tennis else _basketball_lines
    canvas.paint(patch, lines(u, v, field_u, field_v, _thick(site)), PAINT)
    if is_tennis:
        net = (u < max(0.12, 0.5 * canvas.resolution)) & (v < 6.2)
        canvas.paint(patch, net, mineral(0.3, 0.3, 0.3), None, 1.0)
    return True


def num_court_colours() -> int:
    """Surfaces that ``add_court`` knows."""
    return len(_COURTS)


def _thick(site: Site) -> float:
    """Half width of a painted line: never so thin that it is lost between pixels."""
    return max(0.06, 0.32 * site.canvas.resolution)


def _line(values: Array, at: float, thick: float) -> Mask:
    return np.asarray(np.abs(values - np.float32(at)) < thick)


def _tennis_lines(u: Array, v: Array, field_u: float, field_v: float, thick: float) -> Mask:
    inside = (u < field_u + thick) & (v < field_v + thick)
    lines = _line(u, field_u, thick) | _line(v, field_v, thick) | _line(v, 4.1, thick)
    service = _line(u, 6.4, thick) & (v < 4.1)
    return np.asarray(inside & (lines | service | (_line(v, 0, thick) & (u < 6.4))))


def _basketball_lines(u: Array, v: Array, field_u: float, field_v: float, thick: float) -> Mask:
    inside = (u < field_u + thick) & (v < field_v + thick)
    edge = _line(u, field_u, thick) | _line(v, field_v, thick) | _line(u, 0, thick)
    circle = _line(np.sqrt(u * u + v * v), 1.8, thick)
    away = np.float32(field_u - 1.6) - u
    arc = _line(np.sqrt(away * away + v * v), 6.75, thick)
    key = (_line(v, 2.45, thick) & (u > 8.2)) | (_line(u, 8.2, thick) & (v < 2.45))
    return np.asarray(inside & (edge | circle | arc | key))


def add_track(site: Site, pose: Pose, half_u: float, half_v: float) -> bool:
    """A running track around a pitch, all of it one class; False if there is no room."""
    scale = half_v / 46
    straight, outer = half_u - half_v, half_v - 1
    lanes = 9.5 * max(scale, 0.6)
    patch = site.canvas.claim(pose, straight + outer, outer, 1)
    if patch is None:
        return False
    canvas = site.canvas
    beyond = np.maximum(np.abs(patch.u) - np.float32(straight), 0)
    radius = np.sqrt(beyond * beyond + patch.v * patch.v)
    inside = patch.inside & (radius < outer)
    ring = inside & (radius > outer - lanes)
    stripes = wave(patch.u / np.float32(site.between(9, 14)))
    tone = 1 + np.float32(site.between(0, 0.09)) * np.sign(stripes)
    turf = (vary(site.rng, site.palette.lush, 0.06)[:, None, None] * tone).astype(np.float32)
    canvas.paint(patch, inside, turf, Cover.TRACK, 0, 0.05)
    canvas.paint(patch, ring, pick(site.rng, _LANES, 0.05), None, None, 0.04)
    lane = np.abs(saw((np.float32(outer) - radius) / np.float32(lanes / 6)) - 0.5) > 0.5 - 0.1
    canvas.paint(patch, ring & lane, PAINT * np.float32(0.88))
    u, v = np.abs(patch.u), np.abs(patch.v)
    long, wide, thick = straight * 1.05, (outer - lanes) * 0.86, _thick(site)
    pitch = (u < long + thick) & (v < wide + thick)
    marks = _line(u, long, thick) | _line(v, wide, thick) | _line(u, 0, thick)
    marks |= _line(np.sqrt(u * u + v * v), 9.15 * scale, thick)
    box = (u > long - 16.5 * scale) & (v < 20 * scale)
    marks |= box & (_line(u, long - 16.5 * scale, 2 * thick) | _line(v, 20 * scale, 2 * thick))
    canvas.paint(patch, pitch & marks & (radius < outer - lanes), PAINT)
    return True


def add_panel_rows(site: Site, pose: Pose, half_u: float, half_v: float) -> bool:
    """A solar park: tilted rows with grass between them; False if there is no room."""
    patch = site.canvas.claim(pose, half_u, half_v, 0.5)
    if patch is None:
        return False
    period = max(site.between(4.6, 7), 6 * site.canvas.resolution)
    place = saw((patch.v + np.float32(half_v)) / np.float32(period))
    breaks = np.abs(saw(patch.u / np.float32(38)) - 0.5) < 0.47
    mask = patch.inside & (place < 0.64) & breaks
    paint_panels(site, patch, mask)
    tilt = 0.8 + 1.6 * place
    np.copyto(site.canvas.height[patch.slices], tilt.astype(np.float32), where=mask)
    return True


def add_greenhouses(site: Site, pose: Pose, half_u: float, half_v: float) -> bool:
    """Glass or film vaults side by side; False if there is no room."""
    patch = site.canvas.claim(pose, half_u, half_v, 1)
    if patch is None:
        return False
    span = max(site.between(6, 9.5), 8 * site.canvas.resolution)
    place = saw((patch.v + np.float32(half_v)) / np.float32(span))
    bow = 1 - (2 * place - 1) ** 2
    ribs = saw(patch.u / np.float32(max(4.0, 6 * site.canvas.resolution))) < 0.14
    film = vary(site.rng, mineral(0.78, 0.82, 0.80), 0.06)
    inner = mix(film, site.palette.crops[0], site.between(0.1, 0.45))
    light = 1 + np.float32(0.12) * bow + np.float32(0.14) * ribs
    light += np.float32(0.06) * site.canvas.noise.patchy[patch.slices]
    gutter = place < 0.09
    light = light * (1 - np.float32(0.3) * gutter)
    colour = (inner[:, None, None] * light).astype(np.float32)
    height = (3 + np.float32(1.4) * bow).astype(np.float32)
    canvas = site.canvas
    canvas.paint(patch, patch.inside, np.clip(colour, 0, 0.96), Cover.GREENHOUSE, height, 0.02)
    return True


def add_containers(site: Site, pose: Pose, half_u: float, half_v: float) -> bool:
    """Stacked shipping containers in rows; False if there is no room."""
    patch = site.canvas.claim(pose, half_u, half_v, 0.5)
    if patch is None:
        return False
    rng = site.rng
    u = (patch.u + np.float32(half_u)) / np.float32(12.7)
    v = (patch.v + np.float32(half_v)) / np.float32(2.75)
    shape = math.ceil(2 * half_v / 2.75) + 2, math.ceil(2 * half_u / 12.7) + 2
    row = np.clip(v, 0, shape[0] - 1).astype(np.intp)
    col = np.clip(u, 0, shape[1] - 1).astype(np.intp)
    store = np.stack([vary(rng, colour, 0.06) for colour in _BOXES for _ in range(3)])
    colour = store[rng.integers(0, len(store), shape)][row, col].transpose(2, 0, 1)
    stack = rng.integers(0, 4, shape)
    stack[rng.random(shape) < 0.3] = int(rng.integers(1, 4))
    levels = stack[row, col]
    aisle = saw(v / np.float32(7)) > 0.86
    box = patch.inside & (levels > 0) & (u - col < 0.965) & (v - row < 0.93) & ~aisle
    ribs = 1 + np.float32(0.06) * wave(patch.u / np.float32(max(0.9, 2.7 * site.canvas.resolution)))
    height = (np.float32(2.6) * levels).astype(np.float32)
    site.canvas.paint(patch, box, (colour * ribs).astype(np.float32), Cover.CONTAINER, height, 0.03)
    return True
