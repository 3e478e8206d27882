"""Buffer points and lines so that they cover pixels."""

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
"""Default radius in pixels: a point covers about seven pixels, a line is three wide."""

OWN_PIXEL = "0.5"
"""Radius that covers only the pixel of a point."""

SURE = math.sqrt(0.5)
"""Minimum radius at which a disc always contains a pixel centre."""

Geometries = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Buffer:
    """Radius around points and lines."""

    size: float = float(DEFAULT_BUFFER)
    unit: Literal["px", "m"] = "px"

    @classmethod
    def parse(cls, text: str) -> Buffer:
        """Parse ``2``, ``2px`` or ``3m``.

        Raises:
            ConfigError: the text is not a length above 0.

        Examples:
            >>> Buffer.parse("3m")
            Buffer(size=3.0, unit='m')
        """
        found = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*(px|m|)\s*", text)
        if found is None or not 0 < float(found[1]) < 1e6:
            raise ConfigError(
                f"--buffer '{text}' is not a length",
                "expected pixels such as 1.5 or 2px, or metres on the ground such as 3m",
                f"use for example --buffer {DEFAULT_BUFFER}",
            )
        return cls(float(found[1]), "m" if found[2] == "m" else "px")

    def measure(self, grid: Georeference) -> tuple[float, float]:
        """The radius in columns and rows.

        Raises:
            ConfigError: the radius is in metres and the pixel size of the scene is unknown.
        """
        if self.unit == "px":
            return self.size, self.size
        pixel = measure_pixel(grid)
        if pixel is None:
            raise ConfigError(
                f"--buffer {self.size:g}m was given for a scene without a CRS",
                "its pixel size in metres is unknown",
                f"use pixels, such as --buffer {DEFAULT_BUFFER}",
            )
        return self.size / pixel[0], self.size / pixel[1]


def thicken(geometries: Geometries, reach: tuple[float, float]) -> Geometries:
    """Turn points into discs, or into their pixel if that is larger, and lines into bands.

    Args:
        geometries: (N,) single parts in columns and rows.
        reach: radius in columns and rows.

    Returns:
        (N,) polygons; input polygons are unchanged.
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
