"""Files to map in tests: a scene with roofs, what was drawn on it, models, and a pair."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import shapely
import torch

from fewscape.backbones import BackboneConfig
from fewscape.models import BiCoRSeg, Prototype, save_model
from tests.cli.test_map import lit_roofs
from tests.raster.rasters import PLACE, noise, write_raster
from tests.raster.test_polygons import write_polygons


class Files(NamedTuple):
    """A scene with examples and polygons that were kept back."""

    scene: Path
    examples: Path
    check: Path


def box(left, top, right, bottom):
    """Pixels of the scene as ground."""
    return shapely.transform(
        shapely.box(left, top, right, bottom),
        lambda points: points * (0.5, -0.5) + (PLACE.c, PLACE.f),
    )


ROOFS = [box(8, 8, 32, 32), box(56, 8, 80, 32), box(56, 56, 80, 80)]
GROUND = [box(36, 8, 46, 40), box(84, 8, 100, 40)]


def write_files(folder: Path) -> Files:
    """A scene of 200 x 150 pixels, three of its roofs and two pieces of ground."""
    folder.mkdir(parents=True, exist_ok=True)
    data = (lit_roofs() // 2 + noise(150, 200) // 4).astype(np.uint8)
    kept = [box(104, 8, 128, 32), box(130, 8, 145, 40)]
    return Files(
        write_raster(folder / "scene.tif", data),
        write_polygons(folder / "drawn.gpkg", [*ROOFS, *GROUND], ["roof"] * 3 + ["background"] * 2),
        write_polygons(folder / "check.gpkg", kept, ["roof", "background"]),
    )


def save_few_shot(folder: Path) -> Path:
    """A network that learns from crops."""
    torch.manual_seed(0)
    return save_model(Prototype(BackboneConfig("test_resnet")), folder, "card", 64)


def save_supervised(folder: Path) -> Path:
    """A network that knows two classes."""
    torch.manual_seed(0)
    network = BiCoRSeg(2, BackboneConfig("test_convnext"), width=32)
    return save_model(network, folder, "card", 64, facts={"classes": ["roof", "road"]})
