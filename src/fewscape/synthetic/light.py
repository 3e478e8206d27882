"""From colour and height to an image: sun, shadows, air and sensor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fewscape.synthetic.canvas import Canvas
from fewscape.synthetic.textures import Array

_STEEPEST = np.float32(1.6)
"""Slopes above it are walls; a view from above does not see them."""


@dataclass(frozen=True, slots=True)
class Weather:
    """Sun, air and camera of one scene."""

    sun: tuple[float, float]
    """Unit vector on the ground towards the sun: x right, y down."""
    climb: float
    """Tangent of the sun's elevation."""
    shade: float
    """Light that reaches a shadow, as a share of full light."""
    haze: float
    """0 clear to 1 thick."""
    gains: tuple[float, float, float, float]
    """Colour cast per band."""
    contrast: float
    saturation: float
    """0 grey to 1 the full colours of the palette."""
    blur: float
    """Weight of each neighbour in the blur of the optics."""
    noise: float
    """Strength of the sensor noise in digital numbers."""

    @classmethod
    def draw(cls, rng: np.random.Generator, haze: float | None) -> Weather:
        """A clear day more often than a dull one."""
        x, y = rng.uniform(-1, 1), rng.uniform(0.25, 1)
        norm = float(np.sqrt(x * x + y * y))
        warmth = float(rng.uniform(-0.07, 0.07))
        light = float(rng.uniform(0.85, 1.16))
        drawn_haze = float(rng.random() * rng.random())
        return cls(
            sun=(float(x) / norm, float(y) / norm),
            climb=float(rng.uniform(0.7, 1.7)),
            shade=float(rng.uniform(0.3, 0.58)),
            haze=drawn_haze if haze is None else haze,
            gains=(
                light * (1 + warmth),
                light,
                light * (1 - warmth),
                float(rng.uniform(0.85, 1.15)),
            ),
            contrast=float(rng.uniform(0.85, 1.2)),
            saturation=float(rng.uniform(0.5, 1.0)),
            blur=float(rng.uniform(0.04, 0.2)),
            noise=float(rng.uniform(1.0, 5.0)),
        )


def render(canvas: Canvas, weather: Weather, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """(4, H, W) the image that a camera above the scene takes."""
    light = shading(canvas.height, canvas.resolution, weather)
    sunlit = 1 - shadows(canvas.height, canvas.resolution, weather)
    grey = (canvas.colour[0] + canvas.colour[1] + canvas.colour[2]) * np.float32(1 / 3)
    image = np.empty(canvas.colour.shape, dtype=np.uint8)
    clouds = 1 + np.float32(0.04) * canvas.noise.broad
    for band in range(4):
        sky = np.float32(weather.shade * (0.92, 1.0, 1.16, 0.85)[band])
        dull = np.float32(0 if band == 3 else 1 - weather.saturation)
        colour = canvas.colour[band] + (grey - canvas.colour[band]) * dull
        lit = colour * (light * (sky + (1 - sky) * sunlit) * clouds)
        image[band] = _expose(lit, weather, band, rng)
    return image


def shading(height: Array, resolution: float, weather: Weather) -> Array:
    """(H, W) light of each slope, 1 on level ground."""
    down, right = _slope(height, 0, resolution), _slope(height, 1, resolution)
    toward = right * np.float32(weather.sun[0]) + down * np.float32(weather.sun[1])
    steep = np.sqrt(1 + down * down + right * right)
    direct = (1 - toward / np.float32(weather.climb)) / steep
    return np.asarray(np.clip(0.42 + 0.58 * direct, 0.42, 1.5), dtype=np.float32)


def _slope(height: Array, axis: int, resolution: float) -> Array:
    """Central differences; zero where the ground drops off a wall."""
    slope = np.zeros_like(height)
    before = height[:-2] if axis == 0 else height[:, :-2]
    after = height[2:] if axis == 0 else height[:, 2:]
    middle = slope[1:-1] if axis == 0 else slope[:, 1:-1]
    np.multiply(after - before, np.float32(0.5 / resolution), out=middle)
    slope[np.abs(slope) > _STEEPEST] = 0
    return slope


def shadows(height: Array, resolution: float, weather: Weather) -> Array:
    """(H, W) 1 where something between the pixel and the sun hides the sun, soft at the edge.

    A pixel is in shadow if any pixel towards the sun rises above the ray to it. The highest ray
    over 2, 4, 8, ... steps comes from the highest over half as many, so the cost grows with the
    logarithm of the longest shadow.
    """
    tallest = float(height.max(initial=0))
    longest = tallest / weather.climb / resolution
    ray = height.copy()
    reach = 1
    while reach < 2 * longest + 2:
        steps = round(weather.sun[1] * reach), round(weather.sun[0] * reach)
        drop = np.float32(reach * resolution * weather.climb)
        _raise_to(ray, _towards(ray, steps), steps, drop)
        reach *= 2
    dark = np.clip((ray - height) / np.float32(resolution * weather.climb + 0.2), 0, 1)
    soft: Array = dark.astype(np.float32)
    soft[1:-1, 1:-1] = (
        2 * dark[1:-1, 1:-1] + dark[:-2, 1:-1] + dark[2:, 1:-1] + dark[1:-1, :-2] + dark[1:-1, 2:]
    ) / 6
    return soft


def _towards(field: Array, steps: tuple[int, int]) -> Array:
    """A copy of the part of the field that lies so many rows and columns away."""
    part = field[_cut(steps[0], field.shape[0]), _cut(steps[1], field.shape[1])]
    return np.array(part, dtype=np.float32)


def _raise_to(ray: Array, higher: Array, steps: tuple[int, int], drop: np.float32) -> None:
    target = ray[_cut(-steps[0], ray.shape[0]), _cut(-steps[1], ray.shape[1])]
    np.maximum(target, higher - drop, out=target)


def _cut(step: int, length: int) -> slice:
    return slice(min(step, length), length) if step >= 0 else slice(0, max(0, length + step))


def _expose(
    light: Array, weather: Weather, band: int, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Haze, colour cast, contrast, film-like highlights, blur and noise: digital numbers."""
    veil = np.float32(weather.haze * (0.20, 0.24, 0.30, 0.08)[band])
    seen = light * (np.float32(weather.gains[band]) * (1 - veil)) + veil * np.float32(0.85)
    seen = (seen - np.float32(0.4)) * np.float32(weather.contrast) + np.float32(0.4)
    over = np.maximum(seen - np.float32(0.7), 0)
    seen -= over * over / (over + np.float32(0.3))
    for axis in (0, 1):
        _blur(seen, np.float32(weather.blur), axis)
    seen *= 255
    seen += (rng.random(seen.shape, dtype=np.float32) - np.float32(0.5)) * np.float32(weather.noise)
    return np.asarray(np.clip(np.rint(seen), 1, 255), dtype=np.uint8)


def _blur(image: Array, weight: np.float32, axis: int) -> None:
    """Mix each pixel with its two neighbours along an axis, in place."""
    view = image if axis == 0 else image.T
    mixed = view[1:-1] * (1 - 2 * weight) + (view[:-2] + view[2:]) * weight
    view[1:-1] = mixed
