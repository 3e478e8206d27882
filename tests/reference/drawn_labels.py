"""What every pixel was drawn as, found pixel by pixel and polygon by polygon."""

from __future__ import annotations

import numpy as np
import shapely


def label_pixels(polygons, names, window, height, width, rings=False):
    """Classes and polygon numbers (H, W) of a window; see ``Annotations.labels``."""
    numbered = [(name, polygon) for name, group in polygons.items() for polygon in group]
    ids = np.full((window.height, window.width), -1)
    numbers = np.full((window.height, window.width), -1)
    for y in range(window.height):
        for x in range(window.width):
            row, col = window.row + y, window.col + x
            if not (0 <= row < height and 0 <= col < width):
                continue
            centre = shapely.Point(col + 0.5, row + 0.5)
            over = [
                (number, name)
                for number, (name, polygon) in enumerate(numbered)
                if polygon.contains(centre)
            ]
            found = choose(over)
            if rings and not over:
                found = find_ring(numbered, centre)
            if found is not None:
                number, name = found
                numbers[y, x] = number
                ids[y, x] = list(names).index(name) + 1 if name in names else 0
    return ids, numbers


def find_ring(numbered, centre):
    """The last polygon of a class in whose ring a pixel lies, with a number of its own."""
    found = None
    for number, (name, polygon) in enumerate(numbered):
        width = min(max(0.5 * 2 * np.sqrt(polygon.area / np.pi), 8), 64)
        is_class = name not in ("area", "background", "ignore")
        if is_class and shapely.buffer(polygon, width).contains(centre):
            found = len(numbered) + number, None
    return found


def choose(over):
    """The polygon that owns a pixel, of those over it."""
    if any(name == "ignore" for _, name in over):
        return None
    classes = [found for found in over if found[1] not in ("area", "background")]
    if len({name for _, name in classes}) > 1:
        return None
    for candidates in (
        classes,
        [found for found in over if found[1] == "background"],
        [found for found in over if found[1] == "area"],
    ):
        if candidates:
            return candidates[-1]
    return None
