"""Synthetic pairs on disk, with examples drawn on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from affine import Affine

from fewscape.datasets.pan_ms import make_synthetic_pair
from tests.raster.rasters import PLACE, write_raster
from tests.raster.test_polygons import write_polygons

MS_PLACE = PLACE @ Affine.scale(4)


class PairFiles(NamedTuple):
    """A pair, what it shows, and examples of all its classes."""

    pan: Path
    ms: Path
    examples: Path
    labels: np.ndarray
    """(h, w) from 1."""
    fine_labels: np.ndarray
    """(4 h, 4 w)."""
    names: tuple[str, ...]


def write_pair_files(
    folder: Path, size: int = 64, seed: int = 0, shots: int = 5, **profile: Any
) -> PairFiles:
    """A pair in UTM; polygons of 2 x 2 pixels, and one point, teach each class."""
    folder.mkdir(exist_ok=True)
    made = make_synthetic_pair(size, seed)
    scaled = [(10_000 * image).astype(np.uint16) for image in (made.pair.pan[None], made.pair.ms)]
    pan = write_raster(folder / "pan.tif", scaled[0], **profile)
    ms = write_raster(folder / "ms.tif", scaled[1], transform=MS_PLACE, **profile)
    rng = np.random.default_rng(seed)
    shapes, names = [], []
    for number, name in enumerate(made.class_names, start=1):
        own = made.labels == number
        whole = own[:-1, :-1] & own[1:, :-1] & own[:-1, 1:] & own[1:, 1:]
        corners = rng.permutation(np.argwhere(whole))[:shots]
        boxes = [shapely.box(col, row, col + 2, row + 2) for row, col in corners.tolist()]
        row, col = rng.permutation(np.argwhere(own))[0].tolist()
        shapes += [*boxes, shapely.Point(col + 0.5, row + 0.5)]
        names += [name] * (len(boxes) + 1)
    ground = [shapely.transform(shape, to_ground) for shape in shapes]
    examples = write_polygons(folder / "examples.gpkg", ground, names, geometry_type="Unknown")
    return PairFiles(pan, ms, examples, made.labels, made.fine_labels, made.class_names)


def to_ground(points: np.ndarray) -> np.ndarray:
    """Columns and rows of the multispectral grid to coordinates."""
    return points * (MS_PLACE.a, MS_PLACE.e) + (MS_PLACE.c, MS_PLACE.f)
