"""JSON of annotation tools, labelme and COCO: outlines in columns and rows of an image."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fewscape.core import ExamplesError, suggest

CIRCLE_CORNERS = 48
"""Of the polygon that stands for a circle."""

Ring = list[list[float]]


class Outline(NamedTuple):
    """One annotation."""

    name: str
    """Of its class."""
    geometry: dict[str, Any]
    """GeoJSON, in columns and rows."""


def parse_annotation_json(content: bytes) -> dict[str, Any] | None:
    """What such a file holds; None if it is none, such as GeoJSON or no JSON at all."""
    if not any(word in content for word in (b'"shapes"', b'"annotations"')):
        return None
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or "features" in told:
        return None
    is_labelme = isinstance(told.get("shapes"), list)
    is_coco = isinstance(told.get("annotations"), list) and "categories" in told
    return told if is_labelme or is_coco else None


def list_outlines(
    told: dict[str, Any], path: Path, image: str | None, notes: list[str]
) -> list[Outline]:
    """The outlines on one image.

    Args:
        told: what ``parse_annotation_json`` gave.
        path: of the file.
        image: name of the image's file, with or without its ending, in a COCO file with several.
        notes: gets a sentence on what is left out.

    Raises:
        ExamplesError: the file holds several images and none is named, or it is damaged.
    """
    try:
        if isinstance(told.get("shapes"), list):
            found = list(_list_labelme(told))
        else:
            found = list(_list_coco(told, _choose_image(told, path, image)))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ExamplesError(
            f"the annotations '{path}' cannot be read: {type(error).__name__} {error}",
            "expected a file of labelme, or of COCO with polygons",
            "save it anew with the program that made it",
        ) from error
    kept = [one for one in found if one is not None]
    if len(kept) < len(found):
        missing = len(found) - len(kept)
        notes.append(f"{missing} annotations of '{path.name}' have no outline, only a mask or box")
    if not kept:
        raise ExamplesError(
            f"the annotations '{path}' hold no outline",
            "expected polygons, rectangles, circles, lines or points",
            "convert masks to polygons, or give a label raster",
        )
    return kept


def to_geojson(outlines: Sequence[Outline], class_field: str) -> bytes:
    """As a collection of features with the class as an attribute."""
    features = [
        {"type": "Feature", "properties": {class_field: name}, "geometry": geometry}
        for name, geometry in outlines
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def list_images(told: dict[str, Any]) -> list[str]:
    """Names of the images' files; of a labelme file the one that it tells of, if any."""
    if isinstance(told.get("shapes"), list):
        return [str(told["imagePath"])] if told.get("imagePath") else []
    images = told.get("images")
    listed = images if isinstance(images, list) else []
    return [str(one.get("file_name")) for one in listed if isinstance(one, dict)]


def _list_labelme(told: dict[str, Any]) -> Iterator[Outline | None]:
    for shape in told["shapes"]:
        points = [[float(x), float(y)] for x, y in shape.get("points") or []]
        geometry = _read_shape(str(shape.get("shape_type") or "polygon"), points)
        yield None if geometry is None else Outline(str(shape["label"]), geometry)


def _read_shape(kind: str, points: Ring) -> dict[str, Any] | None:
    match kind:
        case "polygon" if len(points) > 2:
            return _polygon(points)
        case "rectangle" if len(points) == 2:
            (left, top), (right, bottom) = points
            return _polygon([[left, top], [right, top], [right, bottom], [left, bottom]])
        case "circle" if len(points) == 2:
            (x, y), edge = points
            radius = math.dist((x, y), edge)
            turns = [2 * math.pi * number / CIRCLE_CORNERS for number in range(CIRCLE_CORNERS)]
            return _polygon(
                [[x + radius * math.cos(turn), y + radius * math.sin(turn)] for turn in turns]
            )
        case "line" | "linestrip" if len(points) > 1:
            return {"type": "LineString", "coordinates": points}
        case "point" | "points" if points:
            return {"type": "MultiPoint", "coordinates": points}
    return None


def _list_coco(told: dict[str, Any], image: object) -> Iterator[Outline | None]:
    names = {one["id"]: str(one["name"]) for one in told["categories"]}
    for one in told["annotations"]:
        if image is not None and one["image_id"] != image:
            continue
        outlines = one.get("segmentation")
        if not isinstance(outlines, list) or not outlines:
            yield None  # runs of a mask, or a box alone
            continue
        name = names[one["category_id"]]
        for flat in outlines:
            ring = [[float(x), float(y)] for x, y in zip(flat[0::2], flat[1::2], strict=True)]
            yield Outline(name, _polygon(ring)) if len(ring) > 2 else None


def _choose_image(told: dict[str, Any], path: Path, wanted: str | None) -> object:
    """The id of the image; None for the only one."""
    images = told.get("images") or []
    if wanted is None and len(images) < 2:
        return None
    names = list_images(told)
    chosen = [
        one["id"]
        for one, name in zip(images, names, strict=True)
        if wanted is not None and Path(name).stem == Path(wanted).stem
    ]
    if len(chosen) == 1:
        return chosen[0]
    if wanted is not None:
        raise ExamplesError(
            f"the annotations '{path}' know no image '{wanted}'", "", suggest(wanted, names)
        )
    raise ExamplesError(
        f"the annotations '{path}' are of {len(images)} images: {', '.join(names[:9])}",
        "expected those of one scene",
        "name the image with --layer",
    )


def _polygon(corners: Ring) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}
