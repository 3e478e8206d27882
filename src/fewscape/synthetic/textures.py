"""Random fields and waves, in arithmetic that every processor rounds alike.

Sines of arrays differ in the last bit between processors, so periodic patterns come from
parabolas and smooth noise from interpolated random grids.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def stream(seed: int, name: str) -> np.random.Generator:
    """The chance of one stage of a scene, independent of what other stages draw."""
    return np.random.Generator(
        np.random.PCG64(np.random.SeedSequence([seed, crc32(name.encode())]))
    )


def wave(phase: npt.NDArray[np.floating]) -> Array:
    """A sine-like wave of period 1 in [-1, 1], made of two parabolas."""
    place = phase - np.floor(phase)
    place += place
    place -= 1
    return np.asarray(4 * place * (np.abs(place) - 1), dtype=np.float32)


def saw(phase: npt.NDArray[np.floating]) -> Array:
    """The fraction of the phase, in [0, 1)."""
    return np.asarray(phase - np.floor(phase), dtype=np.float32)


def smooth_step(values: Array) -> Array:
    """Values clipped to [0, 1] with soft ends."""
    inside = np.clip(values, 0, 1)
    return np.asarray(inside * inside * (3 - 2 * inside), dtype=np.float32)


def value_noise(rng: np.random.Generator, shape: tuple[int, int], cell: float) -> Array:
    """(H, W) smooth noise in [-1, 1] that varies over ``cell`` pixels."""
    if cell <= 1.2:
        return rng.random(shape, dtype=np.float32) * 2 - 1
    row, row_part = _ramp(shape[0], cell)
    col, col_part = _ramp(shape[1], cell)
    grid = rng.random((row[-1] + 2, col[-1] + 2), dtype=np.float32) * 2 - 1
    lines = grid[row]
    lines += (grid[row + 1] - lines) * row_part[:, None]
    field = lines[:, col]
    field += np.diff(lines, axis=1)[:, col] * col_part
    return np.asarray(field, dtype=np.float32)


def _ramp(length: int, cell: float) -> tuple[npt.NDArray[np.intp], Array]:
    position = (np.arange(length, dtype=np.float32) + np.float32(0.5)) / np.float32(cell)
    base = position.astype(np.intp)
    return base, smooth_step(position - base.astype(np.float32))


def fractal_noise(
    rng: np.random.Generator, shape: tuple[int, int], cell: float, octaves: int = 3
) -> Array:
    """(H, W) noise in about [-1, 1]: each octave has half the size and 0.6 of the strength."""
    total = value_noise(rng, shape, cell)
    strength = np.float32(1)
    for octave in range(1, octaves):
        strength *= np.float32(0.6)
        total += strength * value_noise(rng, shape, cell / 2**octave)
    return total


@dataclass(frozen=True, slots=True)
class Noise:
    """Fields of one scene that all its materials share, each (H, W) in about [-1, 1]."""

    grain: Array
    """Varies from pixel to pixel."""
    fine: Array
    """Varies over 2 m and less."""
    patchy: Array
    """Varies over 14 m and less."""
    broad: Array
    """Varies over 120 m and less."""

    @classmethod
    def draw(cls, rng: np.random.Generator, shape: tuple[int, int], resolution: float) -> Noise:
        """The fields for a scene of this shape, with sizes in metres."""
        return cls(
            grain=value_noise(rng, shape, 1),
            fine=fractal_noise(rng, shape, 2.2 / resolution, 2),
            patchy=fractal_noise(rng, shape, 14 / resolution, 3),
            broad=fractal_noise(rng, shape, 120 / resolution, 3),
        )
