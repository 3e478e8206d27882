"""What a simulated user hands over: a file of drawings, and the pixels that they cover."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fewscape.benchmark.main_job.scenes import JobScene
from fewscape.benchmark.main_job.simulated_user import REACH, Drawing, draw
from fewscape.mapping.examples.reserved_names import BACKGROUND, fold_case

Mask = npt.NDArray[np.bool_]

OPTIONS: Mapping[str, tuple[str, ...]] = {
    "areas": (),
    "objects": ("--examples_are", "objects"),
    "scribbles": ("--buffer", f"{REACH['scribbles']:g}"),
    "points": ("--buffer", f"{REACH['points']:g}"),
}
"""What ``fewscape map`` has to be told about each form."""


def draw_scene(
    scene: JobScene, names: Mapping[int, str], count: int, form: str, seed: int
) -> list[Drawing]:
    """The drawings of some classes; those of a smaller count are the first of a larger one.

    Args:
        scene: what is drawn on.
        names: what each class id that is drawn is called.
        count: drawings a class, at most.
        form: see ``draw``; of background, areas are drawn where objects are outlined.
        seed: of all chance.
    """
    drawn: list[Drawing] = []
    for class_id, name in names.items():
        is_ground = form == "objects" and fold_case(name) == BACKGROUND
        own = "areas" if is_ground else form
        generator = scene.make_generator(seed, own, class_id)
        drawn += draw(scene.labels, count, generator, own, [class_id])
    return drawn


def cover(drawings: Sequence[Drawing], shape: tuple[int, ...]) -> Mask:
    """(H, W) pixels that anything covers."""
    covered = np.zeros(shape, np.bool_)
    for drawing in drawings:
        covered |= drawing.pixels
    return covered


def write_drawings(path: Path, drawings: Sequence[Drawing], names: Mapping[int, str]) -> None:
    """A GeoJSON file in columns and rows.

    Args:
        path: file to write.
        drawings: each becomes a polygon, a line or a point.
        names: what each class id is called.
    """
    features = [
        {
            "type": "Feature",
            "properties": {"class": names[drawing.class_id]},
            "geometry": geometry,
        }
        for drawing in drawings
        for geometry in _trace(drawing)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")


def _trace(drawing: Drawing) -> list[dict[str, Any]]:
    from rasterio.features import shapes

    if drawing.path is None:
        found = shapes(drawing.pixels.astype(np.uint8), mask=drawing.pixels)
        return [geometry for geometry, _ in found]
    points = drawing.path.tolist()
    if len(points) == 1:
        return [{"type": "Point", "coordinates": points[0]}]
    return [{"type": "LineString", "coordinates": points}]
