"""Read polygons, lines and points with a class from any vector file of GDAL."""

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
"""Default attribute that holds the class."""

Geometries = npt.NDArray[np.object_]
"""(N,) shapely geometries."""

FARTHEST = 1e12
"""Limit of coordinates; the earth is smaller in any unit."""

MOST_CLASSES = 254
"""Class maps are uint8 with 0 for background and 255 for nodata."""

RESERVED = ("area", "background", "ignore")
"""Case-insensitive names."""

UNSHOWN = ("Cc", "Cs", "Co", "Cn")
"""Unicode categories that files and pictures cannot hold: control, surrogate and unassigned."""

NOWHERE = -1e12
"""Column and row of points outside the projection; rings cannot hold infinities."""

POINT, POLYGON = 0, 3
"""Shapely's type numbers of points and polygons; lines are between, collections above."""


@dataclass(frozen=True, slots=True)
class ClassPolygons:
    """Polygons, lines and points of a file, by class."""

    geometries: Geometries
    """(N,) single parts, none empty."""
    names: tuple[str, ...]
    """(N,)."""
    crs: CRS | None
    """None if coordinates are pixels."""
    crs_stated: bool
    """Whether the file states its CRS. A GeoJSON file without one is in degrees by the standard,
    but in pixels if drawn over an image without a georeference."""
    colours: Mapping[str, str] = field(default_factory=dict)
    """Colours of classes as written in the file."""
    skipped: Mapping[str, int] = field(default_factory=dict)
    """Number of unusable features or parts, by reason."""
    notes: tuple[str, ...] = ()
    """Messages about what was guessed or skipped."""
    are_pixels: bool = False
    """Whether coordinates are columns and rows of the scene, whatever its CRS."""

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Least x, least y, largest x, largest y."""
        import shapely

        left, bottom, right, top = shapely.total_bounds(self.geometries).tolist()
        return left, bottom, right, top


def read_polygons(
    path: Path | str, class_field: str = CLASS_FIELD, layer: str | None = None
) -> ClassPolygons:
    """Read polygons, lines and points of a vector file, in the file's coordinates.

    Multi-part geometries and collections are split, self-crossing polygons are repaired, and curves
    become short straight segments.

    Args:
        path: GeoPackage, GeoJSON, Shapefile or another format of GDAL, also in an archive
            (``/vsizip/...``); or the JSON of labelme or COCO, with coordinates in pixels.
        class_field: attribute that holds the class; numbers become text.
        layer: see ``read_layer``.

    Raises:
        ExamplesError: see ``read_layer``; or geometries lack a class, none is usable, or there are
            more classes than a map can have.
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
            "every example needs a class",
            "fill in the attribute, or write 'ignore'",
        )
    parts, origin = split_parts(geometries[is_useful])
    skipped = {
        "empty": int(is_empty.sum()),
        "of an unknown kind": int((is_missing & ~is_empty).sum()),
        "with invalid coordinates": int(is_far.sum()),
        "without area": int(is_useful.sum()) - len(np.unique(origin)),
    }
    skipped = {reason: count for reason, count in skipped.items() if count}
    if not len(parts):
        raise ExamplesError(
            f"the file '{path}' has no examples" + _describe_rest(skipped),
            "examples are polygons, lines or points, each with a class",
            "draw some, for example in QGIS",
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
        skipped,
        found.notes,
        found.are_pixels,
    )


def check_names(path: Path | str, class_field: str, names: Sequence[str]) -> None:
    """Check that names are valid class names in every output format.

    Raises:
        ExamplesError: there are more than a map can have, one has an unprintable character, or two
            differ only in case.
    """
    kinds = sorted(set(names))
    if len(kinds) > MOST_CLASSES:
        raise ExamplesError(
            f"the attribute '{class_field}' of '{path}' has {len(kinds):,} different values",
            f"a map has at most {MOST_CLASSES} classes; polygon ids are not classes",
            "choose the attribute that holds the class with --class_field",
        )
    by_case: dict[str, str] = {}
    for name in kinds:
        if any(unicodedata.category(letter) in UNSHOWN for letter in name):
            raise ExamplesError(
                f"the class {name[:60]!r} of '{path}' has an unprintable character",
                "expected letters, digits, spaces and punctuation",
                "rename the class",
            )
        other = by_case.setdefault(name.casefold(), name)
        if other != name and name.lower() not in RESERVED:
            raise ExamplesError(
                f"'{other}' and '{name}' of '{path}' differ only in case",
                "they would become two classes",
                "use one spelling, or another word for one of them",
            )


def _decode(wkb: Sequence[bytes | None]) -> Geometries:
    """Geometries (N,) in two dimensions; None if unreadable."""
    import shapely

    try:
        return np.asarray(shapely.force_2d(shapely.from_wkb(wkb, on_invalid="ignore")))
    except NotImplementedError:
        found = np.empty(len(wkb), dtype=object)
        found[:] = [read_wkb(one) for one in wkb]
        return np.asarray(shapely.force_2d(found))


def _find_far(geometries: Geometries) -> npt.NDArray[np.bool_]:
    """(N,) whether a coordinate is not finite or off the earth."""
    import shapely

    points, owners = shapely.get_coordinates(geometries, return_index=True)
    is_far = np.zeros(len(geometries), np.bool_)
    with np.errstate(invalid="ignore"):
        is_far[owners[~(np.abs(points) < FARTHEST).all(axis=1)]] = True
    return is_far


def split_parts(geometries: Geometries) -> tuple[Geometries, npt.NDArray[np.int64]]:
    """Split geometries into points, lines and valid polygons; also return their origins.

    Self-crossing polygons become several; geometries without such parts are dropped.
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
        is_kept = shapely.get_type_id(mended) == POLYGON  # the rest has no area
        parts = np.concatenate([parts[~is_broken], mended[is_kept]])
        origin = np.concatenate([origin[~is_broken], origin[is_broken][source[inner[is_kept]]]])
    is_solid = (shapely.get_type_id(parts) < POLYGON) | (shapely.area(parts) > 0)
    kept = np.flatnonzero(is_solid & ~shapely.is_empty(parts))
    kept = kept[np.argsort(origin[kept], kind="stable")]
    return parts[kept], origin[kept]


def _describe_rest(skipped: Mapping[str, int]) -> str:
    """Describe the other geometries, for a message."""
    counts = ", ".join(f"{count} {reason}" for reason, count in skipped.items())
    return f", only geometries that are: {counts}" if counts else ""


def to_pixel_geometries(geometries: Geometries, crs: CRS | None, grid: Georeference) -> Geometries:
    """Transform geometries to columns and rows of a raster.

    Args:
        geometries: (N,) in ``crs``.
        crs: their CRS; None if coordinates are already those of ``grid``. On a pixel grid, y may be
            the row or its negative, as QGIS shows images without a georeference.
        grid: the raster.

    Returns:
        (N,); points outside the raster's projection are at ``NOWHERE``.
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
