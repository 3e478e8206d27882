"""Where a raster lies on the ground."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from affine import Affine

if TYPE_CHECKING:
    from rasterio.crs import CRS
    from rasterio.io import DatasetReader

Points = npt.NDArray[np.float64]
"""(N, 2) coordinates, x then y."""


@dataclass(frozen=True)
class Georeference:
    """Size, transform and coordinate reference system of a raster.

    Without a reference system and a transform, coordinates are pixels: x the column, y the row,
    counted downward from the upper left corner.
    """

    height: int
    width: int
    transform: Affine
    """Column and row to x and y; may be rotated, sheared or south-up."""
    crs: CRS | None = None

    @classmethod
    def of(cls, dataset: DatasetReader) -> Georeference:
        """Of an open raster."""
        return cls(dataset.height, dataset.width, dataset.transform, dataset.crs or None)

    @property
    def is_pixel_grid(self) -> bool:
        """Whether coordinates are columns and rows."""
        return self.crs is None and self.transform == Affine.identity()

    @property
    def crs_name(self) -> str:
        """A short name of the reference system for messages."""
        return name_crs(self.crs)

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """Least x, least y, largest x, largest y."""
        corners = np.array(
            [(0, 0), (self.width, 0), (0, self.height), (self.width, self.height)], dtype=float
        )
        ground = self.to_ground(corners)
        (left, bottom), (right, top) = ground.min(axis=0).tolist(), ground.max(axis=0).tolist()
        return left, bottom, right, top

    def to_ground(self, points: Points) -> Points:
        """Columns and rows (N, 2) to coordinates."""
        return _apply(self.transform, points)

    def to_pixels(self, points: Points) -> Points:
        """Coordinates (N, 2) to columns and rows."""
        return _apply(~self.transform, points)

    def equal_area_crs(self) -> CRS | None:
        """A reference system in metres in which areas near the raster are true, or None.

        Lambert's azimuthal projection keeps areas everywhere, so one system serves a whole scene
        whatever its own projection does to them.
        """
        from rasterio.crs import CRS
        from rasterio.errors import CRSError, RasterioError

        if self.crs is None:
            return None
        centre = self.to_ground(np.array([[self.width / 2, self.height / 2]]))
        try:
            lon, lat = reproject(centre, self.crs, CRS.from_epsg(4326))[0]
            return CRS.from_string(f"+proj=laea +lat_0={lat:.6f} +lon_0={lon:.6f} +units=m")
        except (CRSError, RasterioError):
            return None


def reproject(points: Points, source: CRS, target: CRS) -> Points:
    """Coordinates (N, 2) of one reference system in another."""
    from rasterio.warp import transform

    if not len(points):
        return points
    return np.stack(transform(source, target, points[:, 0], points[:, 1]), axis=1)


def name_crs(crs: CRS | None) -> str:
    """``EPSG:32631`` where there is a code, otherwise the name, otherwise ``no CRS``."""
    if crs is None:
        return "no CRS"
    authority = crs.to_authority()
    if authority:
        return ":".join(authority)
    text: str = crs.to_wkt()
    return text.split('"')[1] if '"' in text else text


def _apply(transform: Affine, points: Points) -> Points:
    x, y = points[:, 0], points[:, 1]
    return np.stack(
        [
            transform.a * x + transform.b * y + transform.c,
            transform.d * x + transform.e * y + transform.f,
        ],
        axis=1,
    )
