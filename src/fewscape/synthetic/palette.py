"""Colours of one scene: red, green, blue and near infrared as seen in an image, in [0, 1]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Colour = npt.NDArray[np.float32]
"""(4,) red, green, blue, near infrared."""


def mineral(red: float, green: float, blue: float) -> Colour:
    """Soil, stone, paint or metal: the near infrared follows the red."""
    return np.array([red, green, blue, min(0.95, 0.95 * red + 0.05)], dtype=np.float32)


def plant(red: float, green: float, blue: float, nir: float) -> Colour:
    """Leaves: the near infrared is bright where they are alive."""
    return np.array([red, green, blue, nir], dtype=np.float32)


def liquid(red: float, green: float, blue: float) -> Colour:
    """Water: black in the near infrared."""
    return np.array([red, green, blue, 0.04], dtype=np.float32)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """The colour at ``share`` of the way from the first to the second."""
    return first + np.float32(share) * (second - first)


def vary(rng: np.random.Generator, colour: Colour, amount: float = 0.08) -> Colour:
    """The colour a little lighter or darker and a little off in each band."""
    light = 1 + rng.uniform(-2 * amount, 2 * amount)
    tint = 1 + rng.uniform(-amount / 2, amount / 2, 4)
    return np.clip(colour * (light * tint).astype(np.float32), 0.02, 0.97)


def pick(rng: np.random.Generator, colours: list[Colour], amount: float = 0.08) -> Colour:
    """One of the colours, varied."""
    return vary(rng, colours[int(rng.integers(len(colours)))], amount)


@dataclass(frozen=True, slots=True)
class Palette:
    """The materials of one scene; scenes differ far more than objects inside one."""

    is_arid: bool
    """Sand lies where other scenes have grass."""
    grass: Colour
    lush: Colour
    """Watered grass of gardens and pitches."""
    straw: Colour
    soil: Colour
    asphalt: Colour
    concrete: Colour
    deep: Colour
    """Open water far from its shore."""
    shallow: Colour
    roofs: list[Colour]
    trees: list[Colour]
    crops: list[Colour]

    @classmethod
    def draw(cls, rng: np.random.Generator, season: float) -> Palette:
        """Colours for a scene between lush (season 0) and parched (1)."""
        lush = vary(rng, plant(0.27, 0.38, 0.19, 0.66), 0.1)
        straw = vary(rng, plant(0.58, 0.53, 0.37, 0.58), 0.08)
        soil = pick(rng, _SOILS, 0.07)
        water = pick(rng, _WATERS, 0.1)
        grey = float(rng.uniform(0.27, 0.58))
        stone = float(rng.uniform(0.55, 0.8))
        num_roofs = int(rng.integers(3, 7))
        chosen = rng.permutation(len(ROOFS))[:num_roofs]
        trees = [pick(rng, _TREES, 0.1) for _ in range(int(rng.integers(2, 5)))]
        if season > 0.6 and rng.random() < 0.5:
            trees.append(pick(rng, _AUTUMN, 0.1))
        return cls(
            is_arid=season > 0.72,
            grass=mix(lush, straw, 0.1 + 0.8 * season),
            lush=mix(lush, straw, 0.25 * season),
            straw=straw,
            soil=soil,
            asphalt=mineral(grey, grey * 0.995, grey * float(rng.uniform(0.93, 1.04))),
            concrete=mineral(stone, stone * 0.98, stone * float(rng.uniform(0.86, 0.99))),
            deep=water,
            shallow=mix(water, liquid(0.45, 0.47, 0.38), 0.45),
            roofs=[vary(rng, ROOFS[int(index)], 0.06) for index in chosen],
            trees=[mix(tree, straw, 0.35 * season * float(rng.random())) for tree in trees],
            crops=[pick(rng, _CROPS, 0.1) for _ in range(int(rng.integers(4, 8)))],
        )


PAINT = mineral(0.84, 0.84, 0.81)
"""White lines on roads and courts."""
ROOFS = [
    mineral(0.60, 0.34, 0.26),
    mineral(0.70, 0.47, 0.35),
    mineral(0.45, 0.35, 0.30),
    mineral(0.31, 0.31, 0.33),
    mineral(0.48, 0.48, 0.49),
    mineral(0.66, 0.66, 0.65),
    mineral(0.86, 0.86, 0.84),
    mineral(0.36, 0.45, 0.60),
    mineral(0.38, 0.49, 0.43),
    mineral(0.74, 0.67, 0.56),
    mineral(0.21, 0.20, 0.21),
    mineral(0.55, 0.50, 0.45),
    mineral(0.47, 0.22, 0.20),
]
_SOILS = [
    mineral(0.60, 0.50, 0.39),
    mineral(0.50, 0.38, 0.29),
    mineral(0.71, 0.64, 0.53),
    mineral(0.80, 0.75, 0.68),
    mineral(0.62, 0.42, 0.30),
    mineral(0.55, 0.52, 0.47),
]
_WATERS = [
    liquid(0.10, 0.17, 0.24),
    liquid(0.12, 0.22, 0.20),
    liquid(0.24, 0.27, 0.20),
    liquid(0.34, 0.31, 0.22),
    liquid(0.07, 0.10, 0.12),
    liquid(0.16, 0.34, 0.40),
    liquid(0.22, 0.30, 0.36),
]
_TREES = [
    plant(0.16, 0.25, 0.13, 0.62),
    plant(0.22, 0.32, 0.15, 0.70),
    plant(0.13, 0.20, 0.14, 0.48),
    plant(0.30, 0.37, 0.18, 0.68),
    plant(0.25, 0.30, 0.20, 0.55),
]
_AUTUMN = [
    plant(0.52, 0.40, 0.18, 0.55),
    plant(0.50, 0.29, 0.17, 0.50),
    plant(0.38, 0.33, 0.27, 0.40),
]
_CROPS = [
    plant(0.30, 0.42, 0.18, 0.72),
    plant(0.20, 0.33, 0.15, 0.66),
    plant(0.45, 0.50, 0.26, 0.64),
    plant(0.70, 0.62, 0.38, 0.60),
    plant(0.62, 0.52, 0.36, 0.52),
    plant(0.72, 0.70, 0.28, 0.62),
    mineral(0.46, 0.36, 0.28),
    mineral(0.58, 0.48, 0.38),
    plant(0.38, 0.40, 0.27, 0.45),
]
