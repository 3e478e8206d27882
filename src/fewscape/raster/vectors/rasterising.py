"""Rasterise geometries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fewscape.core import Window

if TYPE_CHECKING:
    from shapely import Geometry

Geometries = npt.NDArray[np.object_]
"""(N,) shapely geometries."""


def rasterise(geometries: Sequence[Geometry] | Geometries, window: Window) -> npt.NDArray[np.bool_]:
    """Mark the pixels of a window whose centre is in one of the geometries.

    Args:
        geometries: geometries in columns and rows of the scene; may be empty.
        window: window of the scene.

    Returns:
        (H, W).
    """
    from affine import Affine
    from rasterio.features import rasterize

    if not len(geometries):
        return np.zeros((window.height, window.width), np.bool_)
    burnt = rasterize(
        geometries,
        out_shape=(window.height, window.width),
        transform=Affine.translation(window.col, window.row),
        dtype="uint8",
    )
    return np.asarray(burnt == 1)


def rasterise_numbers(
    geometries: Geometries, numbers: npt.NDArray[np.int64], window: Window
) -> npt.NDArray[np.int32]:
    """Number of the last geometry that contains each pixel centre, -1 for none.

    Args:
        geometries: (N,) in columns and rows of the scene; the list and its members may be empty.
        numbers: (N,) numbers from 0.
        window: window of the scene.

    Returns:
        (H, W).
    """
    import shapely
    from affine import Affine
    from rasterio.features import rasterize

    size = window.height, window.width
    solid = ~shapely.is_empty(geometries)
    if not solid.any():
        return np.full(size, -1, np.int32)
    burnt: npt.NDArray[np.int32] = rasterize(
        zip(geometries[solid], numbers[solid].tolist(), strict=True),
        out_shape=size,
        fill=-1,
        transform=Affine.translation(window.col, window.row),
        dtype="int32",
    )
    return burnt
