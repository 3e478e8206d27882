"""Maps of the main job that are kept for pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fewscape.benchmark.main_job.score import Found
from fewscape.core import IGNORE

PICTURED = ("dubai_mbrsc", "s2_india")
"""Sets whose licence lets us show them: CC0 and MIT."""

SHOWN: dict[str, Any] = {"task": "all", "form": "areas", "polygons": 3}
"""Of whose maps the worst are shown."""


def is_pictured(record: Mapping[str, Any]) -> bool:
    """Whether a map may be shown."""
    return record["dataset"] in PICTURED and all(record[key] == SHOWN[key] for key in SHOWN)


def map_path(work: Path, record: Mapping[str, Any]) -> Path:
    """Where the map of a record is kept."""
    name = f"{record['dataset']}-{record['scene']}-{record['seed']}.png"
    return work / "maps" / str(record["model"]) / name


def keep_map(work: Path, record: Mapping[str, Any], found: Found) -> None:
    """Write a class map; nothing found is 255."""
    path = map_path(work, record)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.where(found < 0, IGNORE, found).astype(np.uint8)).save(path)


def read_kept(work: Path, record: Mapping[str, Any]) -> np.ndarray:
    """(H, W) uint8 as it was kept."""
    with Image.open(map_path(work, record)) as file:
        return np.asarray(file, np.uint8)
