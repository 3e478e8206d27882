"""Write a STAC item that describes the files of a map."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from fewscape.core import require
from fewscape.raster.georeference import Georeference, reproject
from fewscape.raster.writing.palette import Colour
from fewscape.raster.writing.staging import report_write_errors
from fewscape.raster.writing.writer import NODATA, PROBABILITY_STEPS

EDGE_POINTS = 16
"""Points per edge of the footprint, since straight edges are curves in degrees."""

EXTENSIONS = (
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
    "https://stac-extensions.github.io/classification/v2.0.0/schema.json",
    "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
)


@dataclass(frozen=True, slots=True)
class ItemAsset:
    """A file of the map in the item."""

    key: str
    path: Path
    title: str
    media_type: str
    roles: tuple[str, ...] = ("data",)
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Of the extensions."""


def write_item(
    target: Path,
    grid: Georeference,
    assets: Sequence[ItemAsset],
    tags: Mapping[str, str],
) -> None:
    """Write a STAC item as JSON; its links to the files are relative.

    Args:
        target: the JSON file beside the files of the map; its name without ``.stac.json`` is the
            item's id.
        grid: size and georeference of the map, with a CRS.
        assets: the files.
        tags: provenance of the map, as in its files, including ``FEWSCAPE_VERSION``. ``SCENE_TIME``
            is the time of the item; without it, the time of writing is used and noted.

    Raises:
        MissingPackageError: pystac is not installed.
        OutputError: the file cannot be written.
    """
    pystac = require("pystac", "stac")
    geometry, bbox = find_footprint(grid)
    now = datetime.now(UTC)
    taken = datetime.fromisoformat(tags["SCENE_TIME"]) if "SCENE_TIME" in tags else None
    properties = {
        "created": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "description": _describe(tags, taken is None),
        "processing:software": {"fewscape": tags["FEWSCAPE_VERSION"]},
        **_describe_place(grid),
        **{f"fewscape:{name.lower()}": _parse(text) for name, text in tags.items()},
    }
    item = pystac.Item(
        id=target.name.removesuffix(".stac.json"),
        geometry=geometry,
        bbox=bbox,
        datetime=taken or now.replace(microsecond=0),
        properties=properties,
        stac_extensions=list(EXTENSIONS),
    )
    for asset in assets:
        item.add_asset(
            asset.key,
            pystac.Asset(
                href=f"./{asset.path.name}",
                title=asset.title,
                media_type=asset.media_type,
                roles=list(asset.roles),
                extra_fields=dict(asset.fields),
            ),
        )
    content = item.to_dict(include_self_link=False)
    with report_write_errors(target):
        target.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def describe_classes(names: Mapping[int, str], colours: Mapping[int, Colour]) -> dict[str, Any]:
    """Fields of the class map's asset: its values and their meaning.

    Args:
        names: names of the values.
        colours: colours of the values.
    """
    classes: list[dict[str, Any]] = [
        {
            "value": value,
            "name": re.sub(r"[^0-9A-Za-z_-]+", "_", name) or f"class_{value}",
            "title": name,
            "color_hint": "{:02X}{:02X}{:02X}".format(*colours[value]),
        }
        for value, name in names.items()
    ]
    classes.append({"value": NODATA, "name": "nodata", "nodata": True})
    band = {"data_type": "uint8", "nodata": NODATA}
    return {"raster:bands": [band], "classification:classes": classes}


def describe_numbers() -> dict[str, Any]:
    """Fields of a probability's asset: the scale from stored values to [0, 1]."""
    band = {"data_type": "uint8", "nodata": NODATA, "scale": 1 / PROBABILITY_STEPS, "offset": 0}
    return {"raster:bands": [band]}


def find_footprint(grid: Georeference) -> tuple[dict[str, Any], list[float]]:
    """The outline of a raster in degrees as GeoJSON, and its bounding box.

    A raster across the 180th meridian has an outline of two parts and a box whose west exceeds its
    east, as GeoJSON requires.

    Args:
        grid: a raster with a CRS.
    """
    import shapely
    from rasterio.crs import CRS

    assert grid.crs is not None
    steps = np.linspace(0, 1, EDGE_POINTS, endpoint=False)
    zeros, ones = np.zeros(EDGE_POINTS), np.ones(EDGE_POINTS)
    x = np.concatenate([steps, ones, 1 - steps, zeros]) * grid.width
    y = np.concatenate([zeros, steps, ones, 1 - steps]) * grid.height
    ground = grid.to_ground(np.stack([x, y], axis=1))
    degrees = reproject(ground, grid.crs, CRS.from_epsg(4326)).round(7)
    degrees[:, 0] = np.unwrap(degrees[:, 0], period=360)
    degrees[:, 0] -= 360 * np.floor((degrees[:, 0].min() + 180) / 360)
    outline = shapely.Polygon(degrees)
    west, south, east, north = outline.bounds
    if east > 180:
        inside = shapely.intersection(outline, shapely.box(-180, -90, 180, 90))
        beyond = shapely.intersection(outline, shapely.box(180, -90, 540, 90))
        beyond = shapely.transform(beyond, lambda points: points - (360, 0))
        outline = shapely.MultiPolygon([inside, beyond])
        east -= 360
    geometry = json.loads(shapely.to_geojson(shapely.orient_polygons(outline)))
    return geometry, [west, south, east, north]


def _describe_place(grid: Georeference) -> dict[str, Any]:
    assert grid.crs is not None
    authority = grid.crs.to_authority()
    place: dict[str, Any] = {
        "proj:code": ":".join(authority) if authority else None,
        "proj:shape": [grid.height, grid.width],
        "proj:transform": list(grid.transform[:6]),
        "proj:bbox": list(grid.bounds),
    }
    if not authority:
        place["proj:wkt2"] = grid.crs.to_wkt(version="WKT2_2019")
    return place


def _describe(tags: Mapping[str, str], is_undated: bool) -> str:
    text = f"Map of '{tags.get('SCENE') or tags.get('MS', '')}', made by fewscape."
    if is_undated:
        text += " The acquisition time of the scene is unknown; the date is that of the map."
    return text


def _parse(text: str) -> Any:  # noqa: ANN401 (JSON)
    """Parse the JSON of parameters in the tags."""
    try:
        return json.loads(text) if text[:1] in "{[" else text
    except json.JSONDecodeError:
        return text
