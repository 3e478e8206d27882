"""Polygons and points with a class, from any vector file that GDAL opens."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fewscape.core import ExamplesError, Window
from fewscape.raster.georeference import Georeference, reproject

if TYPE_CHECKING:
    from rasterio.crs import CRS
    from shapely import Geometry

CLASS_FIELD = "class"
"""Attribute that names a polygon's class, unless another one is chosen."""

Geometries = npt.NDArray[np.object_]
"""(N,) shapely geometries."""

POLYGON_TYPES, POINT_TYPES = (3, 6), (0, 4)
"""Shapely's numbers of single and multiple geometries."""


@dataclass(frozen=True, slots=True)
class ClassPolygons:
    """Polygons of a file, each with the name of its class."""

    geometries: Geometries
    names: tuple[str, ...]
    crs: CRS | None
    """None where coordinates are pixels."""
    crs_stated: bool
    """Whether the file itself says so; a GeoJSON file without a word is in degrees by its standard,
    but drawn over an image without georeference it means pixels."""

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Least x, least y, largest x, largest y."""
        import shapely

        left, bottom, right, top = shapely.total_bounds(self.geometries).tolist()
        return left, bottom, right, top


def read_polygons(
    path: Path | str, class_field: str = CLASS_FIELD, points: bool = False
) -> ClassPolygons:
    """Polygons and multipolygons of a vector file's first layer, in the file's coordinates.

    Args:
        path: GeoPackage, GeoJSON, Shapefile or another format of GDAL.
        class_field: attribute with the class; numbers become text.
        points: take points and multipoints, too.

    Raises:
        ExamplesError: the file is missing or unreadable, lacks the attribute, has polygons
            without a class, or no polygons at all.
    """
    import shapely

    meta, wkb, values = _read_layer(Path(path), class_field)
    geometries = shapely.force_2d(shapely.from_wkb(wkb))
    kinds = POLYGON_TYPES + POINT_TYPES if points else POLYGON_TYPES
    is_wanted = np.isin(shapely.get_type_id(geometries), kinds) & ~shapely.is_empty(geometries)
    if not is_wanted.any():
        found = sorted({geometry.geom_type for geometry in geometries if geometry is not None})
        raise ExamplesError(
            f"the file '{path}' has no polygons" + (f", but {', '.join(found)}" if found else ""),
            "examples are polygons around objects" + (", or points" if points else ""),
            "draw polygons, or buffer points and lines in a GIS",
        )
    nameless = [str(value).strip() in ("", "None", "nan") for value in values]
    lacking = int((np.array(nameless) & is_wanted).sum())
    if lacking:
        raise ExamplesError(
            f"{lacking} polygons of '{path}' have no value in '{class_field}'",
            "every polygon names its class",
            "fill in the attribute, or write 'ignore'",
        )
    names = tuple(str(value).strip() for value in np.asarray(values, object)[is_wanted])
    crs, stated = _read_crs(Path(path), meta["crs"])
    return ClassPolygons(shapely.make_valid(geometries[is_wanted]), names, crs, stated)


def to_pixel_geometries(geometries: Geometries, crs: CRS | None, grid: Georeference) -> Geometries:
    """Geometries in columns and rows of a raster.

    Args:
        geometries: (N,) in ``crs``.
        crs: their reference system; None if coordinates are those of ``grid`` already. On a
            pixel grid, y may count downward (rows) or be their negative, as QGIS shows images
            without georeference.
        grid: the raster.
    """
    import shapely

    if grid.is_pixel_grid:
        flip = bool(len(geometries)) and shapely.total_bounds(geometries)[3] <= 0
        signs = (1, -1 if flip else 1)
        flipped: Geometries = shapely.transform(geometries, lambda points: points * signs)
        return flipped

    def place(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        if crs is not None and grid.crs is not None and crs != grid.crs:
            points = reproject(points, crs, grid.crs)
        return grid.to_pixels(points)

    placed: Geometries = shapely.transform(geometries, place)
    return placed


def rasterise(geometries: Sequence[Geometry] | Geometries, window: Window) -> npt.NDArray[np.bool_]:
    """Which pixels of a window have their centre in one of the geometries.

    Args:
        geometries: in columns and rows of the scene; may be empty.
        window: place in the scene.

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
    """The number of the last geometry that contains each pixel's centre, -1 where none does.

    Args:
        geometries: (N,) in columns and rows of the scene; may be empty, as each of them may.
        numbers: (N,) from 0.
        window: place in the scene.

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


def _read_layer(path: Path, class_field: str) -> tuple[dict[str, Any], Geometries, Any]:
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError

    if not path.exists():
        raise ExamplesError(f"the examples '{path}' do not exist", "", "check the path")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # several layers: the first one is documented
            fields = [str(field) for field in pyogrio.read_info(path, layer=0)["fields"]]
            if class_field not in fields:
                listing = ", ".join(fields) or "none"
                raise ExamplesError(
                    f"the examples '{path}' have no attribute '{class_field}'",
                    f"their attributes are: {listing}",
                    "name the one that holds the class with --class_field",
                )
            meta, _, wkb, columns = pyogrio.raw.read(path, layer=0, columns=[class_field])
    except (DataSourceError, DataLayerError) as error:
        raise ExamplesError(
            f"the examples '{path}' cannot be read: {error}",
            "expected polygons (GeoPackage, GeoJSON, Shapefile) or a label raster (PNG, TIFF)",
            "check the file, for instance in QGIS",
        ) from error
    return meta, wkb, columns[0]


def _read_crs(path: Path, text: str | None) -> tuple[CRS | None, bool]:
    from rasterio.crs import CRS

    if text is None:
        return None, False
    stated = True
    if path.suffix.lower() in (".geojson", ".json"):
        stated = "crs" in json.loads(path.read_text(encoding="utf-8"))
    return CRS.from_user_input(text), stated
