"""Colours of classes."""

from __future__ import annotations

import colorsys

Colour = tuple[int, int, int]

BARE_GROUND: Colour = (235, 235, 230)
"""Colour of the background."""

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


def class_colours(num_classes: int) -> list[Colour]:
    """A colour for each class; the first ones differ also for colour-blind readers.

    Examples:
        >>> class_colours(2)
        [(230, 75, 53), (0, 142, 204)]
    """
    colours = list(_FIRST[:num_classes])
    for index in range(len(colours), num_classes):
        # Steps of the golden ratio never come close to an earlier hue.
        red, green, blue = colorsys.hsv_to_rgb(index * 0.618 % 1, 0.65, 0.9)
        colours.append((round(255 * red), round(255 * green), round(255 * blue)))
    return colours
