"""Points and lines with a width, so that they cover pixels."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from fewscape.core import ConfigError
from fewscape.raster import Georeference
from fewscape.raster.reading.resolution import measure_pixel
from fewscape.raster.vectors.polygons import POINT, POLYGON

DEFAULT_BUFFER = "1.5"
"""Pixels around points and lines: a point covers some seven, a line three in width."""

OWN_PIXEL = "0.5"
"""Only the pixel in which a point lies."""

SURE = math.sqrt(0.5)
"""Radius in pixels from which a disc contains a pixel's centre wherever it lies."""

Geometries = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Buffer:
    """How far points and lines reach."""

    size: float = float(DEFAULT_BUFFER)
    unit: Literal["px", "m"] = "px"

    @classmethod
    def parse(cls, text: str) -> Buffer:
        """From ``2``, ``2px`` or ``3m``.

        Raises:
            ConfigError: the text is something else, or no length above 0.

        Examples:
            >>> Buffer.parse("3m")
            Buffer(size=3.0, unit='m')
        """
        found = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*(px|m|)\s*", text)
        if found is None or not 0 < float(found[1]) < 1e6:
            raise ConfigError(
                f"--buffer '{text}' is no length",
                "expected pixels such as 1.5 or 2px, or metres on the ground such as 3m",
                f"give for instance --buffer {DEFAULT_BUFFER}",
            )
        return cls(float(found[1]), "m" if found[2] == "m" else "px")

    def measure(self, grid: Georeference) -> tuple[float, float]:
        """Columns and rows that it reaches.

        Raises:
            ConfigError: metres on a scene whose pixels have no known size.
        """
        if self.unit == "px":
            return self.size, self.size
        pixel = measure_pixel(grid)
        if pixel is None:
            raise ConfigError(
                f"--buffer {self.size:g}m was given for a scene without reference system",
                "what a metre is in its pixels is unknown",
                f"give pixels, such as --buffer {DEFAULT_BUFFER}",
            )
        return self.size / pixel[0], self.size / pixel[1]


def thicken(geometries: Geometries, reach: tuple[float, float]) -> Geometries:
    """Points become discs, or the pixel that they lie in if that is more; lines become bands.

    Args:
        geometries: (N,) single parts in columns and rows.
        reach: columns and rows around points and lines.

    Returns:
        (N,) polygons; those that came as such are the same.
    """
    import shapely

    kinds = shapely.get_type_id(geometries)
    is_thin, is_point = kinds < POLYGON, kinds == POINT
    thick = geometries.copy()
    unit = shapely.transform(geometries[is_thin], lambda points: points / reach)
    thick[is_thin] = shapely.transform(shapely.buffer(unit, 1), lambda points: points * reach)
    if min(reach) < SURE:
        corners = np.floor(shapely.get_coordinates(geometries[is_point]))
        thick[is_point] = shapely.box(*corners.T, *(corners + 1).T)
    return thick
