"""Colours of classes."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fewscape.raster.writing.colour_words import find_shades

Colour = tuple[int, int, int]

BARE_GROUND: Colour = (235, 235, 230)
"""Colour of the background."""

APART = 16.0
"""CIE Lab distance at which two colours are easily told apart, even when translucent."""

LEVELS = (25, 60, 95, 130, 165, 200, 235)
"""Levels of red, green and blue for the colours of many classes."""

_FIRST: tuple[Colour, ...] = (
    (230, 75, 53),  # vermilion
    (0, 142, 204),  # blue
    (255, 200, 40),  # amber
    (0, 160, 120),  # green
    (170, 85, 190),  # violet
    (255, 130, 20),  # orange
    (120, 205, 240),  # sky
    (235, 110, 170),  # pink
    (125, 185, 60),  # lime
    (140, 90, 50),  # brown
)

Lab = npt.NDArray[np.float64]


def class_colours(num_classes: int) -> list[Colour]:
    """A colour for each class; the first ones are distinct for colour-blind readers.

    Examples:
        >>> class_colours(2)
        [(230, 75, 53), (0, 142, 204)]
    """
    colours = list(_FIRST[:num_classes])
    for index in range(len(colours), num_classes):
        # Golden-ratio steps stay away from earlier hues.
        red, green, blue = colorsys.hsv_to_rgb(index * 0.618 % 1, 0.65, 0.9)
        colours.append((round(255 * red), round(255 * green), round(255 * blue)))
    return colours


def choose_colours(names: Sequence[str], given: Mapping[str, Colour] | None = None) -> list[Colour]:
    """Choose a colour for each class: the given one, one that suits its name, or another one.

    Chosen colours keep their distance from all others as far as possible.

    Args:
        names: class names.
        given: colours of some of them, and possibly of other classes.

    Examples:
        >>> choose_colours(["lake", "roof", "x"], {"x": (1, 2, 3)})
        [(28, 107, 190), (230, 75, 53), (1, 2, 3)]
    """
    found = {name: given[name] for name in names if name in given} if given else {}
    free = [name for name in names if name not in found]
    for name in free:
        for shade in find_shades(name):
            if _is_apart(shade, [*found.values()]):
                found[name] = shade
                break
    rest = [name for name in free if name not in found]
    ours = [colour for colour in class_colours(len(_FIRST)) if _is_apart(colour, [*found.values()])]
    found.update(zip(rest, ours, strict=False))
    _spread(found, rest[len(ours) :])
    return [found[name] for name in names]


def parse_colour(text: str) -> Colour | None:
    """Parse ``#rrggbb``, ``r,g,b`` or a CSS name; None if it is not a colour.

    Examples:
        >>> parse_colour("#ff8000"), parse_colour("0, 128, 255"), parse_colour("Teal")
        ((255, 128, 0), (0, 128, 255), (0, 128, 128))
    """
    from PIL import ImageColor

    parts = [part.strip() for part in text.split(",")]
    if len(parts) in (3, 4) and all(part.isdecimal() for part in parts):
        numbers = [int(part) for part in parts[:3]]  # a fourth number is QGIS's opacity
        return _as_colour(numbers) if max(numbers) <= 255 else None
    try:
        return _as_colour(ImageColor.getrgb(text.strip()))
    except ValueError:
        return None


def measure_distances(colours: Sequence[Colour], others: Sequence[Colour]) -> Lab:
    """(N, M) distances in CIE Lab."""
    differences = _to_lab(colours)[:, None] - _to_lab(others)[None]
    distances: Lab = np.linalg.norm(differences, axis=2)
    return distances


def _spread(found: dict[str, Colour], names: Sequence[str]) -> None:
    """Give each class the colour farthest from all earlier ones."""
    if not names:
        return
    choice: list[Colour] = [(r, g, b) for r in LEVELS for g in LEVELS for b in LEVELS]
    gaps = measure_distances(choice, [BARE_GROUND, *found.values()]).min(axis=1)
    for name in names:
        found[name] = choice[int(gaps.argmax())]
        gaps = np.minimum(gaps, measure_distances(choice, [found[name]])[:, 0])


def _is_apart(colour: Colour, others: Sequence[Colour]) -> bool:
    return not others or bool(measure_distances([colour], others).min() >= APART)


def _as_colour(numbers: Sequence[int]) -> Colour:
    red, green, blue = numbers[:3]
    return red, green, blue


def _to_lab(colours: Sequence[Colour]) -> Lab:
    """Convert (N, 3) colours to CIE Lab (D65)."""
    parts = np.array(colours, dtype=np.float64).reshape(-1, 3) / 255
    light = np.where(parts > 0.04045, ((parts + 0.055) / 1.055) ** 2.4, parts / 12.92)
    to_xyz = np.array(
        [(0.4125, 0.3576, 0.1804), (0.2127, 0.7152, 0.0722), (0.0193, 0.1192, 0.9503)]
    )
    xyz = light @ to_xyz.T / (0.9505, 1.0, 1.089)
    roots = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = roots.T
    lab: Lab = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)
    return lab
