"""aerial4: four labelled aerial data sets as one benchmark of new classes and places."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fewscape.datasets.folder import FolderDataset
from fewscape.datasets.folds import ClassFolds

AERIAL4_DATASETS = ("dubai_mbrsc", "dronedeploy_chips", "epfl_roads", "flood_area")
"""Folders under the root."""

AERIAL4_LEAVE_OUT = ("background", "clutter")
"""Names without episodes; their pixels are background for the other classes."""

AERIAL4_FOLDS = ClassFolds(
    folds=(
        frozenset({"building", "car"}),
        frozenset({"road", "vegetation"}),
        frozenset({"water", "ground"}),
    ),
    concepts={
        "building": "building",
        "car": "car",
        "road": "road",
        "vegetation": "vegetation",
        "water": "water",
        "flood water": "water",
        "ground": "ground",
        "land (unpaved)": "ground",
    },
)
"""Three concept folds."""


def open_aerial4(root: Path | str, names: Sequence[str] = AERIAL4_DATASETS) -> list[FolderDataset]:
    """Open the data sets of aerial4.

    Raises:
        DatasetError: one is missing or incomplete.
    """
    return [FolderDataset(Path(root) / name, root=root) for name in names]
