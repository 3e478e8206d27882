"""Sources of the images of training episodes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fewscape.datasets import (
    FolderDataset,
    ImageSubset,
    LabelledImages,
    choose_areas,
    read_splits,
)
from fewscape.datasets.lists import join_folds, read_class_lists
from fewscape.datasets.published import GUIDES, check_prepared
from fewscape.synthetic import SyntheticScenes

DECODED_BYTES = 1 << 30
"""Decoded images to keep per data set, since decoding a large JPEG costs more than a step."""


@dataclass(frozen=True, slots=True)
class FolderSource:
    """Data sets in the generic layout.

    Attributes:
        root: folder that holds them.
        names: folders of the data sets; not needed if the root itself is a data set.
        split: only images of this split, if the data sets have splits.
        lists: name of published lists, such as ``dlrsd-b``: an image is drawn only for its classes
            in the training lists of any fold.
    """

    root: str
    names: tuple[str, ...]
    split: str | None = None
    lists: str | None = None

    def open(self) -> list[LabelledImages]:
        """The data sets.

        Raises:
            ConfigError: a data set lacks the split.
            DatasetError: a data set is absent or incomplete; for a published one, the message says
                what to download.
        """
        for name in self.names:
            if name in GUIDES:
                check_prepared(Path(self.root), GUIDES[name])
        whole = [
            FolderDataset(Path(self.root) / name, root=self.root, cache_bytes=DECODED_BYTES)
            for name in self.names
        ]
        if self.split is None:
            return list(whole)
        return [
            ImageSubset(
                dataset,
                [a.image for a in choose_areas(dataset, [self.split], read_splits(dataset.folder))],
            )
            for dataset in whole
        ]

    def read_lists(self) -> dict[str, dict[str, frozenset[str]]]:
        """Read the listed training images of each class by data set, if there are lists.

        Raises:
            ConfigError: a data set lacks these lists.
            DatasetError: it has no lists at all.
        """
        if self.lists is None:
            return {}
        folders = [Path(self.root, name).absolute() for name in self.names]
        return {
            folder.name: join_folds(read_class_lists(folder, self.lists).get("train", ()))
            for folder in folders
        }


@dataclass(frozen=True, slots=True)
class SyntheticSource:
    """Synthetic scenes, made on demand.

    Attributes:
        num_scenes: number of scenes.
        size: side of a scene, pixels.
        resolution: range of metres per pixel to draw from.
        seed: random seed of the first scene.
        max_kept: scenes to keep in memory.
    """

    num_scenes: int = 48
    size: int = 1024
    resolution: tuple[float, float] = (0.3, 0.8)
    seed: int = 0
    max_kept: int = 64

    def open(self) -> list[LabelledImages]:
        """Open the data set."""
        return [
            SyntheticScenes(
                self.num_scenes,
                (self.size, self.size),
                self.resolution,
                seed=self.seed,
                max_kept=self.max_kept,
            )
        ]
