"""aerial4: four labelled aerial sets as one benchmark of new classes and new places."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fewscape.datasets.folder import FolderDataset
from fewscape.datasets.folds import ClassFolds

AERIAL4_DATASETS = ("dubai_mbrsc", "dronedeploy_chips", "epfl_roads", "flood_area")
"""Folders under the root."""

AERIAL4_LEAVE_OUT = ("background", "clutter")
"""Names that stand for no class of their own; their pixels are background to the others."""

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
    """The data sets of aerial4 under a root.

    Raises:
        DatasetError: one is missing or incomplete.
    """
    return [FolderDataset(Path(root) / name, root=root) for name in names]
