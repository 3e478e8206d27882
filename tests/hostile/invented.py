"""Small scenes with teal roofs on noisy brown ground, and files of polygons on them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import rasterio
import shapely
from rasterio.transform import from_origin

SIDE = 96
BOXES = ((6, 8, 20, 24), (10, 60, 24, 22), (44, 10, 22, 20), (66, 58, 20, 26))
"""Row, column, height and width of each roof."""
UTM = "EPSG:32632"
PLACE = from_origin(500_000, 5_400_000, 0.5, 0.5)


def paint(seed: int = 0) -> np.ndarray:
    """(3, 96, 96) uint8."""
    rng = np.random.default_rng(seed)
    ground, roofs = ((125, 95, 60), (40, 150, 190))
    picture = np.stack([rng.normal(base, 9, (SIDE, SIDE)) for base in ground])
    inside = truth() == 1
    for band, base in enumerate(roofs):
        picture[band][inside] = rng.normal(base, 6, int(inside.sum()))
    return np.clip(picture, 1, 254).astype(np.uint8)


def truth() -> np.ndarray:
    """(96, 96): 1 in roofs."""
    found = np.zeros((SIDE, SIDE), np.uint8)
    for row, col, height, width in BOXES:
        found[row : row + height, col : col + width] = 1
    return found


def write_scene(
    path: Path, pixels: np.ndarray | None = None, place: Any = PLACE, crs: Any = UTM, **options: Any
) -> Path:
    """A raster of pixels (C, H, W), painted ones if none are given."""
    pixels = paint() if pixels is None else pixels
    pixels = pixels if pixels.ndim == 3 else pixels[None]
    told: dict[str, Any] = {
        "driver": "GTiff",
        "count": len(pixels),
        "height": pixels.shape[1],
        "width": pixels.shape[2],
        "dtype": pixels.dtype,
        "transform": place,
        "crs": crs,
    }
    colours = options.pop("colours", None)
    edit: Callable[[Any], None] = options.pop("edit", lambda dataset: None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", **(told | options)) as dataset:
            dataset.write(pixels)
            if colours:
                dataset.write_colormap(1, colours)
            edit(dataset)
    return path


def outline(number: int, place: Any = PLACE) -> shapely.Polygon:
    """A roof in coordinates, or in columns and rows without a place."""
    row, col, height, width = BOXES[number]
    corners = [(col, row), (col + width, row), (col + width, row + height), (col, row + height)]
    return shapely.Polygon([place * corner if place else corner for corner in corners])


def ground(place: Any = PLACE) -> shapely.Polygon:
    """A piece of ground without roofs."""
    corners = [(38, 34), (56, 34), (56, 60), (38, 60)]
    return shapely.Polygon([place * corner if place else corner for corner in corners])


def write_vectors(
    path: Path,
    geometries: list[Any] | None = None,
    names: Any = None,
    crs: Any = UTM,
    field: str = "class",
    **options: Any,
) -> Path:
    """A vector file; two roofs and a piece of ground if nothing else is given."""
    if geometries is None:
        geometries, names = [outline(0), outline(1), ground()], ["roof", "roof", "background"]
    wkb = np.array([None if g is None else shapely.to_wkb(g) for g in geometries], dtype=object)
    kinds = {g.geom_type for g in geometries if g is not None}
    kind = options.pop("geometry_type", kinds.pop() if len(kinds) == 1 else "Unknown")
    values = names if isinstance(names, np.ndarray) else np.array(names, dtype=object)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyogrio.raw.write(path, wkb, [values], [field], crs=crs, geometry_type=kind, **options)
    return path


def collect(geometries: list[Any], names: list[Any], crs: str | None = "EPSG::32632") -> dict:
    """A GeoJSON collection."""
    stated = {"crs": {"type": "name", "properties": {"name": f"urn:ogc:def:crs:{crs}"}}}
    features = [
        {"type": "Feature", "properties": {"class": name}, "geometry": draw(geometry)}
        for geometry, name in zip(geometries, names, strict=True)
    ]
    return {"type": "FeatureCollection", **(stated if crs else {}), "features": features}


def draw(geometry: Any) -> Any:
    return (
        geometry
        if geometry is None or isinstance(geometry, dict)
        else json.loads(shapely.to_geojson(geometry))
    )


def write_json(path: Path, content: Any, encoding: str = "utf-8") -> Path:
    path.write_bytes(json.dumps(content, ensure_ascii=False).encode(encoding))
    return path


def score(path: Path, value: int = 1) -> float:
    """IoU of a value of a map with the roofs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path) as dataset:
            found = dataset.read(1) == value
    wanted = truth() == 1
    return float((found & wanted).sum() / max(1, (found | wanted).sum()))
