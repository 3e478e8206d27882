"""Polygons, lines and points with a class, from any vector file that GDAL opens."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from fewscape.core import ExamplesError
from fewscape.raster.georeference import Georeference, is_same_place, reproject

if TYPE_CHECKING:
    from rasterio.crs import CRS

CLASS_FIELD = "class"
"""Attribute that names a polygon's class, unless another one is chosen."""

Geometries = npt.NDArray[np.object_]
"""(N,) shapely geometries."""

COLOUR_FIELDS = ("colour", "color")
"""Attributes that give a class its colour, in small or capital letters."""

NOWHERE = -1e12
"""Column and row of points that a projection does not reach; rings cannot hold infinities."""

POINT, POLYGON = 0, 3
"""Shapely's numbers of the single kinds; lines are between, collections above."""


@dataclass(frozen=True, slots=True)
class ClassPolygons:
    """Polygons, lines and points of a file, each with the name of its class."""

    geometries: Geometries
    """(N,) single parts, none of them empty."""
    names: tuple[str, ...]
    """(N,)."""
    crs: CRS | None
    """None where coordinates are pixels."""
    crs_stated: bool
    """Whether the file itself says so; a GeoJSON file without a word is in degrees by its standard,
    but drawn over an image without georeference it means pixels."""
    colours: Mapping[str, str] = field(default_factory=dict)
    """What the file calls the colour of a class, of those that have one."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """How many features, or parts of them, are of no use, by what is wrong with them."""

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Least x, least y, largest x, largest y."""
        import shapely

        left, bottom, right, top = shapely.total_bounds(self.geometries).tolist()
        return left, bottom, right, top


def read_polygons(path: Path | str, class_field: str = CLASS_FIELD) -> ClassPolygons:
    """Polygons, lines and points of a vector file's first layer, in the file's coordinates.

    Multiple geometries and collections are split into their parts, crossing polygons mended.

    Args:
        path: GeoPackage, GeoJSON, Shapefile or another format of GDAL.
        class_field: attribute with the class; numbers become text.

    Raises:
        ExamplesError: the file is missing or unreadable, lacks the attribute, has geometries
            without a class, or no geometry of any use.
    """
    import shapely

    layer = _read_layer(Path(path), class_field)
    geometries = shapely.force_2d(shapely.from_wkb(layer.wkb, on_invalid="ignore"))
    is_missing = shapely.is_missing(geometries)
    is_empty = shapely.is_empty(geometries) | np.array([not wkb for wkb in layer.wkb], np.bool_)
    is_useful = ~is_missing & ~is_empty
    names = [str(value).strip() for value in layer.classes]
    lacking = int((np.array([name in ("", "None", "nan") for name in names]) & is_useful).sum())
    if lacking:
        raise ExamplesError(
            f"{lacking} geometries of '{path}' have no value in '{class_field}'",
            "every example names its class",
            "fill in the attribute, or write 'ignore'",
        )
    parts, origin = split_parts(geometries[is_useful])
    left_out = {
        "empty": int(is_empty.sum()),
        "of an unknown kind": int((is_missing & ~is_empty).sum()),
        "without area": int(is_useful.sum()) - len(np.unique(origin)),
    }
    left_out = {reason: count for reason, count in left_out.items() if count}
    if not len(parts):
        raise ExamplesError(
            f"the file '{path}' has no examples" + _tell_rest(left_out),
            "examples are polygons, lines or points, each with a class",
            "draw some, for instance in QGIS",
        )
    owners = [names[place] for place in np.flatnonzero(is_useful)[origin]]
    colours: dict[str, str] = {}
    for name, colour in zip(names, layer.colours, strict=True):
        if colour:
            colours.setdefault(name, colour)
    crs, stated = _read_crs(Path(path), layer.crs)
    return ClassPolygons(parts, tuple(owners), crs, stated, colours, left_out)


def split_parts(geometries: Geometries) -> tuple[Geometries, npt.NDArray[np.int64]]:
    """Points, lines and valid polygons with an area, and which of the geometries each is part of.

    Polygons that cross themselves become several; geometries without such parts are absent.
    """
    import shapely

    parts, origin = geometries, np.arange(len(geometries))
    while (shapely.get_type_id(parts) > POLYGON).any():
        parts, source = shapely.get_parts(parts, return_index=True)
        origin = origin[source]
    is_broken = (shapely.get_type_id(parts) == POLYGON) & ~shapely.is_valid(parts)
    if is_broken.any():
        mended, source = shapely.get_parts(shapely.make_valid(parts[is_broken]), return_index=True)
        mended, inner = shapely.get_parts(mended, return_index=True)  # polygons of a collection
        is_kept = shapely.get_type_id(mended) == POLYGON  # the rest is what has no area
        parts = np.concatenate([parts[~is_broken], mended[is_kept]])
        origin = np.concatenate([origin[~is_broken], origin[is_broken][source[inner[is_kept]]]])
    is_solid = (shapely.get_type_id(parts) < POLYGON) | (shapely.area(parts) > 0)
    kept = np.flatnonzero(is_solid & ~shapely.is_empty(parts))
    kept = kept[np.argsort(origin[kept], kind="stable")]
    return parts[kept], origin[kept]


def _tell_rest(left_out: Mapping[str, int]) -> str:
    """What there is instead, for a message."""
    counts = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
    return f", but geometries that are: {counts}" if counts else ""


def to_pixel_geometries(geometries: Geometries, crs: CRS | None, grid: Georeference) -> Geometries:
    """Geometries in columns and rows of a raster.

    Args:
        geometries: (N,) in ``crs``.
        crs: their reference system; None if coordinates are those of ``grid`` already. On a
            pixel grid, y may count downward (rows) or be their negative, as QGIS shows images
            without georeference.
        grid: the raster.

    Returns:
        (N,); points beyond the reach of the raster's projection are at ``NOWHERE``.
    """
    import shapely

    def is_one(points: npt.NDArray[np.float64]) -> bool:
        return crs == grid.crs or is_same_place(crs, grid.crs, points[:1])

    if grid.is_pixel_grid:
        flip = bool(len(geometries)) and shapely.total_bounds(geometries)[3] <= 0
        signs = (1, -1 if flip else 1)
        flipped: Geometries = shapely.transform(geometries, lambda points: points * signs)
        return flipped

    def place(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        if crs is not None and grid.crs is not None and not is_one(points):
            is_nowhere = crs.is_geographic & (np.abs(points[:, 1]) > 90)
            points = reproject(np.where(is_nowhere[:, None], 0, points), crs, grid.crs)
            is_nowhere |= ~np.isfinite(points).all(axis=1)
            pixels = grid.to_pixels(np.where(is_nowhere[:, None], 0, points))
            pixels[is_nowhere] = NOWHERE
            return pixels
        pixels = grid.to_pixels(points)
        pixels[~np.isfinite(pixels).all(axis=1)] = NOWHERE
        return pixels

    placed: Geometries = shapely.transform(geometries, place)
    return placed


class _Layer(NamedTuple):
    wkb: Sequence[bytes | None]
    classes: Sequence[object]
    colours: Sequence[str]
    """Empty where a feature has none."""
    crs: str | None


def _read_layer(path: Path, class_field: str) -> _Layer:
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
            found = [name for name in fields if name.lower() in COLOUR_FIELDS]
            wanted = [class_field, *(name for name in found[:1] if name != class_field)]
            meta, _, wkb, columns = pyogrio.raw.read(path, layer=0, columns=wanted)
    except (DataSourceError, DataLayerError) as error:
        raise ExamplesError(
            f"the examples '{path}' cannot be read: {error}",
            "expected polygons (GeoPackage, GeoJSON, Shapefile) or a label raster (PNG, TIFF)",
            "check the file, for instance in QGIS",
        ) from error
    by_name = dict(zip(meta["fields"], columns, strict=True))
    colours = [""] * len(wkb)
    for name in wanted[1:]:
        colours = [str(value or "").strip() for value in by_name[name]]
    return _Layer(wkb, by_name[class_field], colours, meta["crs"])


def _read_crs(path: Path, text: str | None) -> tuple[CRS | None, bool]:
    from rasterio.crs import CRS

    if text is None:
        return None, False
    stated = True
    if path.suffix.lower() in (".geojson", ".json"):
        stated = "crs" in json.loads(path.read_text(encoding="utf-8"))
    return CRS.from_user_input(text), stated
