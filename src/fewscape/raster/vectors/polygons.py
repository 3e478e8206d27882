"""Polygons, lines and points with a class, from any vector file that GDAL opens."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fewscape.core import ExamplesError
from fewscape.raster.georeference import Georeference, is_same_place, reproject
from fewscape.raster.vectors.curves import read_wkb
from fewscape.raster.vectors.vector_layer import read_layer

if TYPE_CHECKING:
    from rasterio.crs import CRS

CLASS_FIELD = "class"
"""Attribute that names a polygon's class, unless another one is chosen."""

Geometries = npt.NDArray[np.object_]
"""(N,) shapely geometries."""

FARTHEST = 1e12
"""Of coordinates; the earth is smaller in any unit."""

MOST_CLASSES = 254
"""Class maps are uint8 with 0 for background and 255 for no data."""

RESERVED = ("area", "background", "ignore")
"""Names that mean the same in any case."""

UNSHOWN = ("Cc", "Cs", "Co", "Cn")
"""Kinds of characters that files and pictures cannot hold: control, half and unassigned ones."""

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
    notes: tuple[str, ...] = ()
    """Sentences on what of the file was guessed, or not read."""
    are_pixels: bool = False
    """Whether coordinates are columns and rows of the scene, wherever that lies."""

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Least x, least y, largest x, largest y."""
        import shapely

        left, bottom, right, top = shapely.total_bounds(self.geometries).tolist()
        return left, bottom, right, top


def read_polygons(
    path: Path | str, class_field: str = CLASS_FIELD, layer: str | None = None
) -> ClassPolygons:
    """Polygons, lines and points of a vector file, in the file's coordinates.

    Multiple geometries and collections are split into their parts, crossing polygons mended,
    curves become short straight segments.

    Args:
        path: GeoPackage, GeoJSON, Shapefile or another format of GDAL, also in an archive
            (``/vsizip/...``); or the JSON of labelme or COCO, whose coordinates are pixels.
        class_field: attribute with the class; numbers become text.
        layer: see ``read_layer``.

    Raises:
        ExamplesError: see ``read_layer``; or there are geometries without a class, none of any
            use, or more classes than a map can have.
    """
    import shapely

    found = read_layer(Path(path), class_field, layer)
    geometries = _decode(found.wkb)
    is_missing = shapely.is_missing(geometries)
    is_empty = shapely.is_empty(geometries) | np.array([not wkb for wkb in found.wkb], np.bool_)
    is_far = _find_far(geometries)
    is_useful = ~is_missing & ~is_empty & ~is_far
    names = [unicodedata.normalize("NFC", name or "") for name in found.classes]
    lacking = int((np.array([not name for name in names], np.bool_) & is_useful).sum())
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
        "with coordinates that are no place": int(is_far.sum()),
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
    check_names(path, class_field, owners)
    colours: dict[str, str] = {}
    for name, colour in zip(names, found.colours, strict=True):
        if colour:
            colours.setdefault(name, colour)
    return ClassPolygons(
        parts,
        tuple(owners),
        found.crs,
        found.crs_stated,
        colours,
        left_out,
        found.notes,
        found.are_pixels,
    )


def check_names(path: Path | str, class_field: str, names: Sequence[str]) -> None:
    """See that names can be those of classes, in files of any kind.

    Raises:
        ExamplesError: there are more than a map can have, one has a character that cannot be
            shown, or two differ by their case only.
    """
    kinds = sorted(set(names))
    if len(kinds) > MOST_CLASSES:
        raise ExamplesError(
            f"the attribute '{class_field}' of '{path}' has {len(kinds):,} different values",
            f"a map has at most {MOST_CLASSES} classes; numbers of the polygons are none",
            "name the attribute that holds the class with --class_field",
        )
    by_case: dict[str, str] = {}
    for name in kinds:
        if any(unicodedata.category(letter) in UNSHOWN for letter in name):
            raise ExamplesError(
                f"the class {name[:60]!r} of '{path}' has a character that cannot be shown",
                "expected letters, digits, spaces and signs",
                "rename the class",
            )
        other = by_case.setdefault(name.casefold(), name)
        if other != name and name.lower() not in RESERVED:
            raise ExamplesError(
                f"'{other}' and '{name}' of '{path}' differ by their case only",
                "they would be two classes",
                "write both alike, or tell them apart by another word",
            )


def _decode(wkb: Sequence[bytes | None]) -> Geometries:
    """(N,) geometries of two dimensions; None for what cannot be read."""
    import shapely

    try:
        return np.asarray(shapely.force_2d(shapely.from_wkb(wkb, on_invalid="ignore")))
    except NotImplementedError:
        found = np.empty(len(wkb), dtype=object)
        found[:] = [read_wkb(one) for one in wkb]
        return np.asarray(shapely.force_2d(found))


def _find_far(geometries: Geometries) -> npt.NDArray[np.bool_]:
    """(N,) whether a coordinate is no number, or farther than any place."""
    import shapely

    points, owners = shapely.get_coordinates(geometries, return_index=True)
    is_far = np.zeros(len(geometries), np.bool_)
    with np.errstate(invalid="ignore"):
        is_far[owners[~(np.abs(points) < FARTHEST).all(axis=1)]] = True
    return is_far


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
