"""Scenes and drawings that the tests of the page share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.raster.rasters import write_raster

HEIGHT, WIDTH = 300, 420
KINDS = 3


def stripes(bands: int = 3, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Ground of three kinds in stripes of 70 columns, with noise."""
    rng = np.random.default_rng(0)
    kinds = (np.arange(width) // 70) % KINDS
    centres = np.random.default_rng(1).uniform(40, 200, (KINDS, bands))
    values = centres[kinds].T[:, None, :] + rng.normal(0, 15, (bands, height, width))
    return values.clip(0, 255).astype(np.uint8)


def write_scene(folder: Path, name: str = "scene.tif", bands: int = 3, **profile: Any) -> Path:
    """The stripes as a file."""
    folder.mkdir(exist_ok=True)
    return write_raster(folder / name, stripes(bands), **profile)


def box(left: float, top: float, right: float, bottom: float) -> dict[str, Any]:
    """A rectangle as the page sends it."""
    corners = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
    return {"type": "Polygon", "coordinates": [corners]}


def put(key: str, name: str, geometry: dict[str, Any], **told: Any) -> dict[str, Any]:
    """A change that adds an example."""
    return {"do": "put", "example": {"id": key, "class": name, "geometry": geometry, **told}}


TWO_CLASSES = [
    put("a1", "a", box(10, 10, 50, 50)),
    put("a2", "a", box(220, 100, 265, 140)),
    put("b1", "b", box(80, 20, 120, 60)),
    put("b2", "b", box(295, 150, 340, 190)),
]
"""Two examples of each of two kinds of ground."""
