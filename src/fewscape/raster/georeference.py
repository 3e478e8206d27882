"""``Georeference``: size, transform and CRS of a raster."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from affine import Affine

from fewscape.raster.ground_control import GroundControl, find_control

if TYPE_CHECKING:
    from rasterio.crs import CRS
    from rasterio.io import DatasetReader

LOCAL = ("LOCAL_CS", "ENGCRS", "ENGINEERINGCRS")
"""Prefixes of the WKT of a local CRS."""

CENTIMETRE, METRES_PER_DEGREE = 0.01, 111_000.0

Points = npt.NDArray[np.float64]
"""(N, 2) coordinates, x then y."""


@dataclass(frozen=True)
class Georeference:
    """Size, transform and coordinate reference system of a raster.

    Without a CRS and a transform, coordinates are pixels: x is the column, y the row, counted
    downward from the upper left corner.
    """

    height: int
    width: int
    transform: Affine
    """From column and row to x and y; may be rotated, sheared or south-up."""
    crs: CRS | None = None
    control: GroundControl | None = None
    """Ground control that replaces the transform, if there is one."""

    @classmethod
    def of(cls, dataset: DatasetReader) -> Georeference:
        """Read the georeference of an open raster.

        Raises:
            SceneError: it has too few control points.
        """
        return cls(dataset.height, dataset.width, *find_control(dataset))

    @property
    def is_pixel_grid(self) -> bool:
        """Whether coordinates are columns and rows."""
        is_plain = self.crs is None and self.control is None
        return is_plain and self.transform == Affine.identity()

    @property
    def is_local(self) -> bool:
        """Whether coordinates are in a local CRS, whose position on the earth is unknown."""
        return self.crs is not None and is_local(self.crs)

    @property
    def crs_name(self) -> str:
        """A short name of the CRS for messages."""
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
        """Transform columns and rows (N, 2) to coordinates."""
        if self.control is not None:
            return self.control.to_ground(points)
        return _apply(self.transform, points)

    def to_pixels(self, points: Points) -> Points:
        """Transform coordinates (N, 2) to columns and rows."""
        if self.control is not None:
            return self.control.to_pixels(points)
        return _apply(~self.transform, points)

    def equal_area_crs(self) -> CRS | None:
        """An equal-area CRS in metres centred on the raster, or None.

        Lambert's azimuthal projection preserves areas everywhere, so one CRS serves a whole scene,
        whatever its own projection.
        """
        from rasterio.crs import CRS
        from rasterio.errors import CRSError, RasterioError

        if self.crs is None or self.is_local:
            return None
        centre = self.to_ground(np.array([[self.width / 2, self.height / 2]]))
        try:
            lon, lat = reproject(centre, self.crs, CRS.from_epsg(4326))[0]
            return CRS.from_string(f"+proj=laea +lat_0={lat:.6f} +lon_0={lon:.6f} +units=m")
        except (CRSError, RasterioError):
            return None

    def find_plane(self) -> Callable[[Points], Points] | None:
        """A function from coordinates (N, 2) to metres in an equal-area plane, or None."""
        if self.crs is None:
            return None
        if self.is_local:
            unit = find_unit(self.crs)
            centre = self.to_ground(np.array([[self.width / 2, self.height / 2]]))
            return None if unit is None else lambda points: (points - centre) * unit
        flat, crs = self.equal_area_crs(), self.crs
        return None if flat is None else lambda points: reproject(points, crs, flat)


def is_local(crs: CRS) -> bool:
    """Whether a CRS is local, with unknown position on the earth."""
    return str(crs.to_wkt()).startswith(LOCAL)


def is_undefined(crs: CRS | None) -> bool:
    """Whether a CRS is explicitly undefined, as GeoPackages require."""
    return crs is None or "Undefined" in name_crs(crs)


def find_unit(crs: CRS) -> float | None:
    """Metres per unit of a local CRS, or None if unknown."""
    found = re.search(r'UNIT\["[^"]*",\s*([0-9.eE+-]+)', str(crs.to_wkt()))
    unit = float(found[1]) if found else 0.0
    return unit if 0 < unit < 1e6 else None


def is_same_place(crs: CRS | None, other: CRS | None, points: Points) -> bool:
    """Whether coordinates (N, 2) are the same places in two CRSs, to a centimetre.

    True for different spellings of one CRS, with and without heights, and for equivalents such as
    ETRS89 and WGS 84 in one zone.
    """
    from rasterio.errors import CRSError

    if crs is None or other is None or crs == other:
        return crs == other
    if is_local(crs) or is_local(other):
        return is_local(crs) and is_local(other)
    tolerance = CENTIMETRE / METRES_PER_DEGREE if crs.is_geographic else CENTIMETRE
    try:
        return bool(np.abs(reproject(points, crs, other) - points).max() <= tolerance)
    except CRSError:
        return False


def reproject(points: Points, source: CRS, target: CRS) -> Points:
    """Reproject coordinates (N, 2).

    Raises:
        CRSError: there is no transformation between the two.
    """
    from rasterio.errors import CRSError
    from rasterio.warp import transform

    if not len(points):
        return points
    try:
        return np.stack(transform(source, target, points[:, 0], points[:, 1]), axis=1)
    except Exception as error:  # GDAL's own errors are not RasterioErrors
        raise CRSError(
            f"no transformation from {name_crs(source)} to {name_crs(target)}: {str(error)[:80]}"
        ) from error


def name_crs(crs: CRS | None) -> str:
    """``EPSG:32631`` if there is a code, otherwise the name, otherwise ``no CRS``."""
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
