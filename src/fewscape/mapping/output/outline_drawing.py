"""Draw outlines over a picture, thin but visible on any ground."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
DrawnOutline = tuple[str, Sequence[tuple[float, float]]]
"""Class, and points in columns and rows."""

NEUTRAL: Colour = (235, 235, 230)
"""Colour of outlines without a class."""

CASING = (20, 20, 24, 220)
"""Colour and opacity of the dark line below each outline."""

FINER = 3
"""Supersampling factor against jagged lines."""

SMALL = 6.0
"""Side in pixels below which a shape is drawn as a dot."""


def draw_outlines(
    picture: npt.NDArray[np.uint8], outlines: Sequence[DrawnOutline], colours: Mapping[str, Colour]
) -> Image.Image:
    """Draw outlines over a picture.

    Args:
        picture: (H, W, 3).
        outlines: outlines in pixels of the picture; may be empty.
        colours: colours of the classes; everything else is pale.
    """
    image = Image.fromarray(picture)
    if not outlines:
        return image
    size = image.width * FINER, image.height * FINER
    width = FINER * max(2.2, max(image.size) / 500)
    sheet = Image.new("RGBA", size, (*CASING[:3], 0))
    draw = ImageDraw.Draw(sheet)
    for name, points in outlines:
        colour = (*colours.get(name, NEUTRAL), 255)
        path = np.array(points) * FINER
        if np.ptp(path, axis=0).max() < SMALL * FINER:
            _draw_dot(draw, path.mean(axis=0), width, colour)
        else:
            _draw_line(draw, path, width, colour)
    image = image.convert("RGBA")
    image.alpha_composite(sheet.resize(image.size, Image.Resampling.BOX))
    return image.convert("RGB")


def _draw_line(
    draw: ImageDraw.ImageDraw,
    path: npt.NDArray[np.float64],
    width: float,
    colour: tuple[int, int, int, int],
) -> None:
    closed = [tuple(point) for point in (*path, path[1])]  # join the last corner too
    draw.line(closed, CASING, round(2 * width), joint="curve")
    draw.line(closed, colour, round(width), joint="curve")


def _draw_dot(
    draw: ImageDraw.ImageDraw,
    centre: npt.NDArray[np.float64],
    width: float,
    colour: tuple[int, int, int, int],
) -> None:
    for radius, fill in ((2.4 * width, CASING), (1.8 * width, colour)):
        draw.ellipse((*(centre - radius), *(centre + radius)), fill)
