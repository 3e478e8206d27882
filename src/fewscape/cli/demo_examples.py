"""Examples as a person would draw them: single whole objects, here traced from the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fewscape.raster import Georeference
from fewscape.raster.staging import report_write_errors
from fewscape.scene.drawn_index import add_rings

Geometries = npt.NDArray[np.object_]
"""(N,) polygons in columns and rows."""

Choice = npt.NDArray[np.bool_]

LEAST_PIXELS = 256
"""Smaller objects are mostly what trees and shadows leave of them."""

FITTING = 192
"""Side in pixels of objects that a crop of 256 shows whole, with their surroundings."""


@dataclass(frozen=True, slots=True)
class Objects:
    """The whole objects of a class."""

    outlines: Geometries
    is_alone: Choice
    """(N,) whether the ring around an object, which counts as background, holds no other one."""

    def __len__(self) -> int:
        return len(self.outlines)

    def __getitem__(self, chosen: Choice) -> Objects:
        return Objects(self.outlines[chosen], self.is_alone[chosen])


def find_objects(labels: npt.NDArray[np.uint8], class_id: int) -> Objects:
    """Connected pixels of a class that do not touch the edge of the scene.

    Args:
        labels: (H, W).
        class_id: the class; the scene may lack it.
    """
    import shapely
    from rasterio.features import shapes
    from shapely.geometry import shape

    mask = labels == class_id
    traced = [shape(outline) for outline, _ in shapes(mask.view(np.uint8), mask, connectivity=4)]
    outlines = np.array(traced, dtype=object)
    left, top, right, bottom = shapely.bounds(outlines).reshape(-1, 4).T
    height, width = labels.shape
    is_whole = (left > 0) & (top > 0) & (right < width) & (bottom < height)
    is_whole &= shapely.area(outlines) >= LEAST_PIXELS
    return Objects(outlines, _find_alone(outlines))[is_whole]


def pick_examples(objects: Objects, count: int) -> Geometries:
    """Good examples that are far from each other.

    Good ones are not much smaller than the others, stand alone and fit a crop; each wish is
    granted where enough objects remain. The first example is of medium size; each further one is
    the farthest from those before.

    Args:
        objects: at least ``count``.
        count: how many to pick.

    Returns:
        (count,) polygons.
    """
    import shapely

    for wish in (_is_large, _stands_alone, _fits_crop):
        granted = wish(objects)
        if granted.sum() >= count:
            objects = objects[granted]
    outlines = objects.outlines
    centres = shapely.get_coordinates(shapely.centroid(outlines))
    picked = [int(np.argsort(shapely.area(outlines), kind="stable")[len(outlines) // 2])]
    while len(picked) < count:
        gaps = np.linalg.norm(centres[:, None] - centres[picked], axis=2).min(axis=1)
        picked.append(int(gaps.argmax()))
    chosen: Geometries = outlines[picked]
    return chosen


def write_examples(path: Path, examples: Mapping[str, Geometries], grid: Georeference) -> None:
    """Write a GeoPackage with the attribute ``class``.

    Args:
        path: the file; an older one is replaced.
        examples: polygons of each class in columns and rows.
        grid: the scene on which they lie.

    Raises:
        OutputError: the file cannot be written.
    """
    import pyogrio
    import shapely

    polygons = np.concatenate(list(examples.values()))
    names: Sequence[str] = [name for name, group in examples.items() for _ in group]
    with report_write_errors(path):
        path.unlink(missing_ok=True)
        pyogrio.raw.write(
            path,
            shapely.to_wkb(shapely.transform(polygons, grid.to_ground)),
            [np.array(names, dtype=object)],
            ["class"],
            layer="examples",
            driver="GPKG",
            geometry_type="Polygon",
            crs=grid.crs.to_wkt() if grid.crs else None,
        )


def _find_alone(outlines: Geometries) -> Choice:
    import shapely

    owner, _ = shapely.STRtree(outlines).query(add_rings(outlines), predicate="intersects")
    return np.asarray(np.bincount(owner, minlength=len(outlines)) == 1)


def _is_large(objects: Objects) -> Choice:
    import shapely

    areas = shapely.area(objects.outlines)
    return np.asarray(areas >= np.median(areas) / 2)


def _stands_alone(objects: Objects) -> Choice:
    return objects.is_alone


def _fits_crop(objects: Objects) -> Choice:
    import shapely

    left, top, right, bottom = shapely.bounds(objects.outlines).T
    return np.asarray(np.maximum(right - left, bottom - top) <= FITTING)
