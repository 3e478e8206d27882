"""What people would draw on a labelled scene: the examples of the main job's benchmark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fewscape.core import IGNORE, ConfigError

LEAST_SHARE = 0.01
"""Share of a scene's known pixels below which nobody asks for a class."""

RADII = (12.0, 36.0)
"""Of the discs that a polygon is cut from, pixels."""

LEAST_PIXELS = 40
"""Of a polygon. Smaller ones are taken where no object holds as much."""

MARGIN = 2
"""Pixels that people keep from an object's edge."""

TRIES = 60
"""Places tried for each polygon."""

SCRIBBLE_WIDTH = 3.0
"""Of a scribble, pixels."""

Labels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One thing that was drawn."""

    class_id: int
    """Value of its class in the labels."""
    pixels: Mask
    """(H, W) what it covers."""


def wanted_classes(labels: Labels, least_share: float = LEAST_SHARE) -> list[int]:
    """Ids of the classes that cover enough of a scene to be asked for.

    Args:
        labels: (H, W) with 255 for unknown.
        least_share: of the known pixels.

    Examples:
        >>> wanted_classes(np.array([[0, 0, 1, 255]], np.uint8))
        [0, 1]
    """
    known = labels[labels != IGNORE]
    ids, counts = np.unique(known, return_counts=True)
    return [int(i) for i, count in zip(ids, counts, strict=True) if count >= least_share * known.size]


def draw(
    labels: Labels,
    count: int,
    generator: np.random.Generator,
    form: str = "areas",
    classes: Sequence[int] | None = None,
) -> list[Drawing]:
    """Drawings of each class, by chance and inside its objects.

    Args:
        labels: (H, W) with 255 for unknown.
        count: drawings a class.
        generator: of all chance.
        form: one of ``FORMS``: ``areas`` cuts a disc of random radius from an object, ``objects``
            takes whole objects, ``scribbles`` a crooked line inside one, ``points`` one pixel.
        classes: ids; those of ``wanted_classes`` if not given.

    Returns:
        At most ``count`` a class: a class whose ground is used up gets fewer.

    Raises:
        ConfigError: unknown form.
    """
    if form not in FORMS:
        raise ConfigError(f"'{form}' is no form of drawing", f"known are {', '.join(FORMS)}")
    drawn: list[Drawing] = []
    for class_id in wanted_classes(labels) if classes is None else classes:
        free = _keep_off_edges(labels == class_id)
        for _ in range(count):
            pixels = _try(free, generator, FORMS[form])
            if pixels is None:
                break
            drawn.append(Drawing(class_id, pixels))
            free &= ~pixels
    return drawn


def _keep_off_edges(mask: Mask) -> Mask:
    """The inside of the objects; the whole where they are too thin to have one."""
    from scipy.ndimage import binary_erosion

    inner: Mask = binary_erosion(mask, iterations=MARGIN)
    return inner if inner.sum() >= LEAST_PIXELS else mask


def _try(
    free: Mask, generator: np.random.Generator, shape: Callable[..., Mask | None]
) -> Mask | None:
    """A drawing of the wanted size, else the largest of all tries."""
    places = np.argwhere(free)
    best: Mask | None = None
    for _ in range(TRIES if len(places) else 0):
        row, col = places[generator.integers(len(places))]
        pixels = shape(free, int(row), int(col), generator)
        if pixels is None:
            continue
        if shape is _point or pixels.sum() >= LEAST_PIXELS:
            return pixels
        if best is None or pixels.sum() > best.sum():
            best = pixels
    return best


def _holding(mask: Mask, row: int, col: int) -> Mask:
    """The connected part that holds a pixel."""
    from scipy.ndimage import label

    parts, _ = label(mask)
    part: Mask = parts == parts[row, col]
    return part


def _disc(mask: Mask, row: int, col: int, generator: np.random.Generator) -> Mask:
    radius = generator.uniform(*RADII)
    rows, cols = np.ogrid[: mask.shape[0], : mask.shape[1]]
    disc = (rows - row) ** 2 + (cols - col) ** 2 <= radius**2
    return _holding(mask & disc, row, col)


def _object(mask: Mask, row: int, col: int, _generator: np.random.Generator) -> Mask:
    from scipy.ndimage import binary_dilation

    whole: Mask = binary_dilation(_holding(mask, row, col), iterations=MARGIN)
    return whole


def _scribble(mask: Mask, row: int, col: int, generator: np.random.Generator) -> Mask | None:
    """A walk that turns a little at each step and ends where the object ends."""
    from scipy.ndimage import distance_transform_edt

    place, angle = np.array([row, col], float), generator.uniform(0, 2 * np.pi)
    length = generator.uniform(20, 80)
    line = np.ones(mask.shape, np.bool_)
    for _ in range(int(length)):
        r, c = (int(value) for value in place)
        if not (0 <= r < mask.shape[0] and 0 <= c < mask.shape[1] and mask[r, c]):
            break
        line[r, c] = False
        angle += generator.normal(0, 0.25)
        place += np.sin(angle), np.cos(angle)
    wide: Mask = (distance_transform_edt(line) <= SCRIBBLE_WIDTH / 2) & mask
    return wide if wide.any() else None


def _point(mask: Mask, row: int, col: int, _generator: np.random.Generator) -> Mask:
    pixels: Mask = np.zeros(mask.shape, np.bool_)
    pixels[row, col] = True
    return pixels


FORMS: dict[str, Callable[..., Any]] = {
    "areas": _disc,
    "objects": _object,
    "scribbles": _scribble,
    "points": _point,
}
"""Ways of drawing by name."""
