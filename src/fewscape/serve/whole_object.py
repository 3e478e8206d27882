"""One whole object, or piece of even ground, from a click on it."""

from __future__ import annotations

from typing import Any

import numpy as np

from fewscape.core import SceneError, Window
from fewscape.mapping.examples.drawn_cells import find_colours
from fewscape.raster import SceneReader
from fewscape.regions import make_regions

AROUND = 160
"""Pixels of the screen around a click in which its object is looked for."""

MOST_STEP = 16
"""Pixels of the scene from one that is looked at to the next, at most."""

CONTRAST = 10.0
"""Scale of the regions for each pixel of the wanted size."""

ROUNDED = 0.7
"""Pixels by which an outline may be moved to have fewer corners."""


def outline_object(
    scene: SceneReader, row: float, col: float, size: float, resolution: float
) -> dict[str, Any]:
    """The outline of the region under a place, as GeoJSON in columns and rows.

    The regions are those of Felzenszwalb and Huttenlocher (2004) on the colours, in what the
    screen shows around the place.

    Args:
        scene: to look at.
        row: of the place, pixels.
        col: of the place, pixels.
        size: larger ones take more contrast to be cut, pixels of the screen.
        resolution: pixels of the scene for one of the screen.

    Raises:
        SceneError: the place lies outside the scene, or shows nothing.
    """
    import shapely
    from rasterio.features import shapes

    step = int(np.clip(round(resolution), 1, MOST_STEP))
    if not (0 <= row < scene.height and 0 <= col < scene.width):
        raise SceneError("this place lies outside the scene", "", "choose another one")
    top, left = (max(0, int(place) - AROUND * step) for place in (row, col))
    height = min(scene.height - top, 2 * AROUND * step)
    width = min(scene.width - left, 2 * AROUND * step)
    image, valid = scene.read(Window(top, left, height, width))
    colours = image[list(find_colours(scene)), ::step, ::step].transpose(1, 2, 0)
    seen = valid[::step, ::step]
    looked = (np.clip(colours, 0, 1) * 255).round().astype(np.uint8)
    make = make_regions("felzenszwalb", scale=CONTRAST * size, min_size=max(4, round(size**2 / 4)))
    ids = make(looked, seen)
    own = ids[int(row - top) // step, int(col - left) // step]
    if own < 0:
        raise SceneError("this place shows nothing", "", "choose another one")
    mask = (ids == own).astype(np.uint8)
    found = [shapely.geometry.shape(one) for one, value in shapes(mask, mask > 0) if value]
    whole = next(one for one in found if one.covers(_middle(row - top, col - left, step)))
    smooth = whole.simplify(ROUNDED)
    smooth = smooth if smooth.is_valid and smooth.area > 0 else whole
    placed = shapely.transform(smooth, lambda points: points * step + (left, top))
    told: dict[str, Any] = shapely.geometry.mapping(placed)
    return told


def _middle(row: float, col: float, step: int) -> Any:  # noqa: ANN401 (shapely has no types)
    import shapely

    return shapely.Point(int(col) // step + 0.5, int(row) // step + 0.5)
