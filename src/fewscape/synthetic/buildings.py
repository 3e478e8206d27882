"""Houses and halls: footprint, roof form, roof covering and what stands on it."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from fewscape.synthetic.canvas import Patch, Pose
from fewscape.synthetic.palette import Colour, mineral, pick, vary
from fewscape.synthetic.site import Site
from fewscape.synthetic.spec import Cover
from fewscape.synthetic.textures import Array, Mask, saw, wave

Roof = Literal["gable", "hip", "flat", "sawtooth", "shed"]
_METAL = [
    mineral(0.78, 0.79, 0.80),
    mineral(0.62, 0.64, 0.67),
    mineral(0.36, 0.47, 0.62),
    mineral(0.88, 0.88, 0.87),
    mineral(0.42, 0.50, 0.45),
    mineral(0.55, 0.28, 0.24),
    mineral(0.45, 0.45, 0.46),
]


def add_house(site: Site, pose: Pose, length: float, width: float, roof: Roof) -> bool:
    """A dwelling, perhaps with a wing; False if there is no room."""
    colour = pick(site.rng, site.palette.roofs, 0.06)
    eave = site.between(2.8, 6.2)
    if not _raise(site, pose, length, width, roof, colour, eave, margin=1.0):
        return False
    if site.chance(0.4):
        side = 1 if site.chance(0.5) else -1
        wing = pose.shift(side * length * 0.22, (1 if site.chance(0.5) else -1) * width * 0.45)
        _join(site, wing.turn(), width * 0.75, length * 0.42, roof, colour, eave * 0.93)
    if roof != "flat" and site.chance(0.6):
        _chimney(site, pose.shift(site.between(-0.3, 0.3) * length, 0.12 * width), eave + 3)
    if site.chance(0.2):
        add_roof_panels(site, pose, length, width, is_flat=roof == "flat")
    return True


def add_block(site: Site, pose: Pose, half_u: float, half_v: float) -> bool:
    """A block of flats or offices with a flat roof; False if there is no room."""
    length, width = 2 * half_u, 2 * half_v
    colour = pick(site.rng, [*site.palette.roofs, mineral(0.6, 0.59, 0.57)], 0.06)
    eave = site.between(9, 20)
    is_pitched = width < 16 and site.chance(0.3)
    roof: Roof = "hip" if is_pitched else "flat"
    if not _raise(site, pose, length, width, roof, colour, eave, margin=1.5):
        return False
    if not is_pitched:
        _equip(site, pose, length, width, eave)
        if site.chance(0.25):
            add_roof_panels(site, pose, length, width, is_flat=True)
    return True


def add_hall(site: Site, pose: Pose, half_u: float, half_v: float) -> bool:
    """An industrial hall with a metal or gravel roof; False if there is no room."""
    length, width = 2 * half_u, 2 * half_v
    eave = site.between(6, 12)
    forms: tuple[Roof, ...] = ("gable", "flat", "flat", "sawtooth", "gable")
    roof = forms[int(site.rng.integers(len(forms)))]
    colours = _METAL if site.chance(0.7) else site.palette.roofs
    if not _raise(site, pose, length, width, roof, pick(site.rng, colours, 0.06), eave, 1.5, 0.12):
        return False
    if roof == "flat":
        _equip(site, pose, length, width, eave)
    elif site.chance(0.7):
        _skylights(site, pose, length, width, eave)
    if site.chance(0.4):
        add_roof_panels(site, pose, length, width, is_flat=roof == "flat")
    return True


def add_roof_panels(site: Site, pose: Pose, length: float, width: float, is_flat: bool) -> None:
    """Solar panels on a flat roof, or on the side of a pitched roof that faces the sun."""
    faces = site.sun[1] * pose.along_x - site.sun[0] * pose.along_y
    side = 1 if faces >= 0 else -1
    centre = pose if is_flat else pose.shift(0, side * 0.26 * width)
    deep = 0.36 * width if is_flat else 0.17 * width
    share = site.between(0.25, 0.42)
    patch = site.canvas.patch(centre, share * length, deep)
    if patch is None:
        return
    mask = patch.inside & (site.canvas.labels[patch.slices] == Cover.BUILDING)
    if is_flat:
        mask &= saw(patch.v / np.float32(3.2)) < 0.6
    paint_panels(site, patch, mask)


def paint_panels(site: Site, patch: Patch, mask: Mask) -> None:
    """Dark glass with the light grid of its frames."""
    tints = [mineral(0.12, 0.15, 0.26), mineral(0.10, 0.11, 0.14), mineral(0.17, 0.22, 0.38)]
    pitch = max(1.0, 3 * site.canvas.resolution)
    frame = (saw(patch.u / np.float32(pitch)) < 0.16) | (saw(patch.v / np.float32(1.6)) < 0.14)
    colour = pick(site.rng, tints, 0.08)[:, None, None] * (1 + np.float32(0.7) * frame)
    site.canvas.paint(patch, mask, colour.astype(np.float32), Cover.SOLAR, grain=0.02)


def _raise(
    site: Site,
    pose: Pose,
    length: float,
    width: float,
    roof: Roof,
    colour: Colour,
    eave: float,
    margin: float,
    pitch: float = 0.5,
) -> bool:
    patch = site.canvas.claim(pose, length / 2, width / 2, margin)
    if patch is None:
        return False
    height = eave + _rise(site, roof, patch, length / 2, width / 2, pitch)
    site.canvas.paint(
        patch, patch.inside, _covering(site, roof, patch, colour), Cover.BUILDING, height, 0.035
    )
    return True


def _join(
    site: Site, pose: Pose, length: float, width: float, roof: Roof, colour: Colour, eave: float
) -> None:
    """A wing: painted where it stands higher than what is there."""
    patch = site.canvas.occupy(pose, length / 2, width / 2)
    if patch is None:
        return
    height = eave + _rise(site, roof, patch, length / 2, width / 2, 0.5)
    mask = patch.inside & (height > site.canvas.height[patch.slices])
    covering = _covering(site, roof, patch, colour)
    site.canvas.paint(patch, mask, covering, Cover.BUILDING, height, 0.035)


def _rise(
    site: Site, roof: Roof, patch: Patch, half_u: float, half_v: float, pitch: float
) -> Array:
    """Metres of the roof above its eave."""
    to_side = np.float32(half_v) - np.abs(patch.v)
    to_end = np.float32(half_u) - np.abs(patch.u)
    if roof == "gable":
        rise = np.float32(pitch) * to_side
    elif roof == "hip":
        rise = np.float32(pitch * 1.1) * np.minimum(to_side, to_end)
    elif roof == "sawtooth":
        rise = np.float32(2.5) * saw(patch.u / np.float32(8))
    elif roof == "shed":
        rise = np.float32(0.3) * (patch.v + np.float32(half_v))
    else:
        rim = max(0.4, site.canvas.resolution)
        rise = np.float32(0.7) * (np.minimum(to_side, to_end) < rim)
    return np.asarray(rise, dtype=np.float32)


def _covering(site: Site, roof: Roof, patch: Patch, colour: Colour) -> Array:
    """Tiles, ribs or gravel, with stains."""
    noise, resolution = site.canvas.noise, site.canvas.resolution
    light = 1 + np.float32(0.07) * noise.patchy[patch.slices]
    if roof == "flat":
        light += np.float32(0.04) * noise.grain[patch.slices]
        seams = saw(patch.u / np.float32(max(3.0, 6 * resolution))) < 0.1
        light -= np.float32(site.between(0, 0.08)) * seams
    elif roof in ("gable", "hip"):
        light += np.float32(0.05) * wave(patch.v / np.float32(max(0.7, 2.6 * resolution)))
        ridge = np.abs(patch.v) < max(0.2, 0.6 * resolution)
        light += np.float32(0.1) * ridge
    else:
        light += np.float32(0.05) * wave(patch.u / np.float32(max(1.0, 3 * resolution)))
    return np.asarray(colour[:, None, None] * light, dtype=np.float32)


def _equip(site: Site, pose: Pose, length: float, width: float, eave: float) -> None:
    """Lift houses, air conditioners and vents on a flat roof."""
    num = int(site.rng.integers(2, 4 + int(math.sqrt(length * width) / 8)))
    for _ in range(num):
        spot = pose.shift(site.between(-0.4, 0.4) * length, site.between(-0.38, 0.38) * width)
        patch = site.canvas.patch(spot, site.between(0.6, 2.2), site.between(0.6, 1.8))
        if patch is None:
            continue
        mask = patch.inside & (site.canvas.labels[patch.slices] == Cover.BUILDING)
        tone = site.between(0.4, 0.85)
        metal = mineral(tone, tone, tone * 1.01)
        site.canvas.paint(patch, mask, metal, None, eave + site.between(1, 2.6), 0.03)


def _skylights(site: Site, pose: Pose, length: float, width: float, eave: float) -> None:
    patch = site.canvas.patch(pose, 0.46 * length, 0.42 * width)
    if patch is None:
        return
    strip = (saw(patch.u / np.float32(9)) < 0.14) & (
        np.abs(np.abs(patch.v) - 0.22 * width) < 0.12 * width
    )
    glass = vary(site.rng, mineral(0.80, 0.84, 0.86), 0.06)
    mask = patch.inside & strip & (site.canvas.labels[patch.slices] == Cover.BUILDING)
    site.canvas.paint(patch, mask, glass, grain=0.02)


def _chimney(site: Site, pose: Pose, top: float) -> None:
    patch = site.canvas.patch(pose, 0.5, 0.4)
    if patch is not None:
        mask = patch.inside & (site.canvas.labels[patch.slices] == Cover.BUILDING)
        site.canvas.paint(patch, mask, mineral(0.45, 0.36, 0.32), None, top + 1)
