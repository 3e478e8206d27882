"""What a synthetic scene is asked to be, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from fewscape.core import ConfigError


class Cover(IntEnum):
    """Ids of the classes in the labels."""

    GRASS = 0
    BUILDING = 1
    ROAD = 2
    TREE = 3
    FIELD = 4
    WATER = 5
    BARE = 6
    CAR = 7
    TANK = 8
    POOL = 9
    COURT = 10
    PARKING = 11
    TRACK = 12
    SOLAR = 13
    GREENHOUSE = 14
    CONTAINER = 15
    PAVEMENT = 16
    RAILWAY = 17


SYNTHETIC_CLASSES: dict[int, str] = {
    0: "grass",
    1: "building",
    2: "road",
    3: "tree",
    4: "field",
    5: "water",
    6: "bare ground",
    7: "car",
    8: "tank",
    9: "pool",
    10: "court",
    11: "parking",
    12: "track field",
    13: "solar panel",
    14: "greenhouse",
    15: "container",
    16: "pavement",
    17: "railway",
}
"""Class names by the id in the labels; every pixel has a class."""

BANDS = ("red", "green", "blue", "nir")
"""Bands of a synthetic image, in order."""


@dataclass(frozen=True, slots=True)
class SceneSpec:
    """A request for one scene; equal requests give equal scenes.

    Raises:
        ConfigError: a value out of its range.
    """

    size: tuple[int, int] = (1024, 1024)
    """Height and width in pixels, at least 32 each."""
    resolution: float = 0.5
    """Ground size of a pixel in metres, 0.05 to 10."""
    density: float = 0.6
    """How built-up the land is: 0 countryside, 1 city."""
    seed: int = 0
    """Not negative; the only source of chance."""
    season: float | None = None
    """0 lush to 1 parched; drawn from the seed if None."""
    haze: float | None = None
    """0 clear to 1 thick; drawn from the seed if None."""

    def __post_init__(self) -> None:
        if len(self.size) != 2 or any(int(side) != side or side < 32 for side in self.size):
            raise ConfigError(
                f"scene size is {self.size}",
                "expected height and width in pixels, each at least 32",
                "give for example size=(1024, 1024)",
            )
        if not 0.05 <= self.resolution <= 10:
            raise ConfigError(
                f"scene resolution is {self.resolution} m per pixel",
                "expected 0.05 to 10",
                "aerial imagery has 0.1 to 1",
            )
        for name in ("density", "season", "haze"):
            _check_share(name, getattr(self, name))
        if int(self.seed) != self.seed or self.seed < 0:
            raise ConfigError(f"scene seed is {self.seed}", "expected an integer of at least 0")


def _check_share(name: str, value: float | None) -> None:
    if value is not None and not 0 <= value <= 1:
        raise ConfigError(f"scene {name} is {value}", "expected a number from 0 to 1")


@dataclass(frozen=True, slots=True)
class SyntheticScene:
    """An aerial-looking image with exact labels."""

    image: npt.NDArray[np.uint8]
    """(4, H, W): red, green, blue, near infrared."""
    labels: npt.NDArray[np.uint8]
    """(H, W) ids of ``SYNTHETIC_CLASSES``; shadows keep the class of what they fall on."""
    transform: Any
    """Affine from column and row to metres of ``crs``, north up."""
    crs: str
    """Such as ``EPSG:32632``."""
    resolution: float
    """Metres per pixel."""
