"""Where the images of training episodes come from."""

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
from fewscape.datasets.lists import join_folds, read_pair_lists
from fewscape.datasets.published import GUIDES, check_prepared
from fewscape.synthetic import SyntheticScenes

CACHE_BYTES = 1 << 30
"""Decoded images to keep of each data set; decoding a large JPEG again costs more than a step."""


@dataclass(frozen=True, slots=True)
class FolderSource:
    """Data sets in the generic layout.

    Attributes:
        root: folder that holds them.
        names: their folders; all of one set's images if the root itself is a data set.
        split: images of this split only, where the data sets have splits.
        lists: name of published lists, such as ``dlrsd-b``: an image is drawn only for classes
            that the training lists of some fold name it for.
    """

    root: str
    names: tuple[str, ...]
    split: str | None = None
    lists: str | None = None

    def open(self) -> list[LabelledImages]:
        """The data sets.

        Raises:
            ConfigError: one of them has no such split.
            DatasetError: one of them is absent or incomplete; says what to download where it is
                a published one.
        """
        for name in self.names:
            if name in GUIDES:
                check_prepared(Path(self.root), GUIDES[name])
        whole = [
            FolderDataset(Path(self.root) / name, root=self.root, cache_bytes=CACHE_BYTES)
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
        """Listed training images of each class by the name of the data set; often nothing.

        Raises:
            ConfigError: a data set has no such lists.
            DatasetError: it has no lists at all.
        """
        if self.lists is None:
            return {}
        folders = [Path(self.root, name).absolute() for name in self.names]
        return {
            folder.name: join_folds(read_pair_lists(folder, self.lists).get("train", ()))
            for folder in folders
        }


@dataclass(frozen=True, slots=True)
class SyntheticSource:
    """Synthetic scenes that are made when they are needed.

    Attributes:
        num_scenes: how many.
        size: side of a scene, pixels.
        resolution: range from which each scene draws its metres per pixel.
        seed: of the first scene.
        max_kept: scenes kept in memory.
    """

    num_scenes: int = 48
    size: int = 1024
    resolution: tuple[float, float] = (0.3, 0.8)
    seed: int = 0
    max_kept: int = 64

    def open(self) -> list[LabelledImages]:
        """The one data set."""
        return [
            SyntheticScenes(
                self.num_scenes,
                (self.size, self.size),
                self.resolution,
                seed=self.seed,
                max_kept=self.max_kept,
            )
        ]
