"""Episodes for training and validation, from folders or from synthetic scenes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from fewscape.core import ConfigError, DatasetError, Episode, suggest
from fewscape.datasets import (
    Augment,
    ClassKey,
    EpisodeSampler,
    FolderDataset,
    ImageSubset,
    LabelledImages,
    SampledEpisodes,
    ShareLimits,
    choose_areas,
    read_splits,
)
from fewscape.datasets.lists import join_folds, read_pair_lists
from fewscape.datasets.protocols import HeldOutPixels
from fewscape.datasets.published import GUIDES, check_prepared
from fewscape.datasets.synthetic import SyntheticScenes
from fewscape.models import FewShotModel
from fewscape.regions import MakeRegions, open_regions

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
    """Scenes that are made when they are needed; arguments as those of ``SyntheticScenes``."""

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


class EpisodeData(lightning.LightningDataModule):
    """Training episodes, new ones every epoch, and fixed validation episodes of base classes.

    Validation uses images of their own: the last of each data set, which neighbouring numbers
    usually place on ground of their own. Held-out classes are drawn in neither.

    Args:
        folders: data sets on disk.
        synthetic: synthetic scenes, instead or besides.
        held_out: class names that the network is to be tested on later.
        held_out_pixels: what they are in training. ``unknown`` (255) teaches nothing about them;
            ``background`` teaches that they are none of the classes, as several papers do;
            ``left_out`` takes only images that show none of them, as others do.
        left_out_pixels: with ``left_out``: pixels of held-out classes from which on an image is
            left out; fewer are background.
        leave_out: class names that are no class of their own; they stay background.
        shots: supports of a training episode; validation is 1-shot.
        image_size: side of the windows in pixels.
        windows: sides of the windows that are cut and resized to ``image_size``, for training on
            several scales; ``image_size`` alone if not given.
        batch_size: episodes of a step.
        episodes_per_epoch: training episodes of an epoch.
        val_episodes: validation episodes.
        val_share: share of each data set's images kept for validation.
        min_share: smallest share of a window that the object fills.
        max_share: largest share.
        elsewhere: share of the training episodes whose query was drawn for another class and
            mostly shows nothing of the own; scenes consist of such windows.
        augment: turn, mirror and relight the crops; ``geometric`` leaves the light alone.
        region_store: folder that keeps the maps of the over-segmentation that the network asks
            for; they are made anew each time without.
        num_workers: processes that read episodes; the episodes do not depend on it.
        seed: of all episodes.
    """

    def __init__(
        self,
        folders: FolderSource | None = None,
        synthetic: SyntheticSource | None = None,
        held_out: Sequence[str] = (),
        held_out_pixels: HeldOutPixels = "unknown",
        left_out_pixels: int = 1,
        leave_out: Sequence[str] = ("background", "clutter"),
        shots: int = 1,
        image_size: int = 256,
        windows: Sequence[int] = (),
        batch_size: int = 8,
        episodes_per_epoch: int = 800,
        val_episodes: int = 160,
        val_share: float = 0.2,
        min_share: float = 0.03,
        max_share: float = 0.9,
        elsewhere: float = 0.0,
        augment: Augment | None = None,
        region_store: str | None = None,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if folders is None and synthetic is None:
            raise ConfigError("the recipe names no data", "expected data.folders or data.synthetic")
        self.folders = folders
        self.synthetic = synthetic
        self.held_out = tuple(held_out)
        self.held_out_pixels: HeldOutPixels = held_out_pixels
        self.left_out_pixels = left_out_pixels
        self.leave_out = tuple(leave_out)
        self.shots = shots
        self.image_size = image_size
        self.windows = list(windows) or [image_size]
        self.batch_size = batch_size
        self.episodes_per_epoch = episodes_per_epoch
        self.val_episodes = val_episodes
        self.val_share = val_share
        self.limits = ShareLimits(min_share, max_share)
        self.elsewhere = elsewhere
        self.augment = augment
        self.region_store = region_store
        self.num_workers = num_workers
        self.seed = seed
        self._train: SampledEpisodes | None = None
        self._val: Dataset[Episode] | None = None

    def setup(self, stage: str) -> None:
        """Read the labels once and index the windows; later calls do nothing."""
        del stage
        if self._train is not None:
            return
        sources = (self.folders, self.synthetic)
        datasets = [dataset for source in sources if source for dataset in source.open()]
        lists = {} if self.folders is None else self.folders.read_lists()
        drawn, held_out = self._split_classes(datasets, lists)
        names = {dataset.name: dataset.classes for dataset in datasets}
        listed = {
            (owner, number): lists[owner][names[owner][number]]
            for owner, number in drawn
            if owner in lists
        }
        hidden = held_out if self.held_out_pixels == "unknown" else []
        if self.held_out_pixels == "left_out":
            datasets = [
                _leave_out_images(dataset, held_out, self.left_out_pixels) for dataset in datasets
            ]
        train, val = _split_images(datasets, self.val_share)
        maker = self._open_regions()
        size = (self.image_size, self.image_size)
        sampler = EpisodeSampler(
            train,
            drawn,
            self.shots,
            self.windows,
            self.limits,
            hidden,
            self.seed,
            elsewhere=self.elsewhere,
            listed=listed,
        )
        self._train = SampledEpisodes(sampler, self.episodes_per_epoch, size, self.augment, maker)
        val_sampler = EpisodeSampler(
            val, drawn, 1, self.image_size, self.limits, hidden, self.seed + 1, listed=listed
        )
        self._val = NumberedEpisodes(
            SampledEpisodes(val_sampler, self.val_episodes, size, None, maker)
        )

    def _split_classes(
        self, datasets: Sequence[LabelledImages], lists: Mapping[str, Collection[str]]
    ) -> tuple[list[ClassKey], list[ClassKey]]:
        """Classes to draw, by the lists where a data set has some, and those held out."""
        names = {name for dataset in datasets for name in dataset.classes.values()}
        for name in self.held_out:
            if name not in names:
                raise ConfigError(f"held_out names '{name}'", "", suggest(name, names))
        keys = [
            (dataset.name, class_id, name)
            for dataset in datasets
            for class_id, name in dataset.classes.items()
        ]
        held_out = [(owner, class_id) for owner, class_id, name in keys if name in self.held_out]
        drawn = [
            (owner, class_id)
            for owner, class_id, name in keys
            if name not in self.held_out
            and name not in self.leave_out
            and (owner not in lists or name in lists[owner])
        ]
        return drawn, held_out

    def _open_regions(self) -> MakeRegions | None:
        """Cuts images as the network in training wants it."""
        model = getattr(self.trainer and self.trainer.lightning_module, "model", None)
        if not isinstance(model, FewShotModel):
            return None
        return open_regions(model.region_method, model.region_options, self.region_store)

    @property
    def num_datasets(self) -> int:
        """Data sets that the episodes come from; known after ``setup``."""
        assert self._train is not None
        return len(self._train.sampler.datasets)

    @property
    def num_labels(self) -> int:
        """One more than the largest class id; known after ``setup``."""
        assert self._train is not None
        datasets = self._train.sampler.datasets.values()
        return 1 + max(class_id for dataset in datasets for class_id in dataset.classes)

    def train_dataloader(self) -> DataLoader[Episode]:
        """Episodes of the trainer's current epoch."""
        assert self._train is not None
        self._train.set_epoch(self.trainer.current_epoch if self.trainer else 0)
        return self._loader(self._train)

    def val_dataloader(self) -> DataLoader[Episode]:
        """The fixed validation episodes."""
        assert self._val is not None
        return self._loader(self._val)

    def _loader(self, episodes: Dataset[Episode]) -> DataLoader[Episode]:
        return DataLoader(
            episodes,
            self.batch_size,
            num_workers=self.num_workers,
            collate_fn=Episode.stack,
            pin_memory=torch.cuda.is_available(),
        )

    def describe(self) -> dict[str, Any]:
        """What the network learnt from, for its card."""
        told = [] if self.folders is None else list(self.folders.names)
        if self.synthetic is not None:
            side = self.synthetic.size
            told.append(f"{self.synthetic.num_scenes} synthetic scenes of {side} x {side} pixels")
        data = ", ".join(told)
        if self.folders is not None and self.folders.lists is not None:
            data += f", by the lists {self.folders.lists}"
        facts = {"data": data, "held_out": list(self.held_out), "seed": self.seed}
        return facts | ({"held_out_pixels": self.held_out_pixels} if self.held_out else {})


class NumberedEpisodes(Dataset[Episode]):
    """Episodes whose class ids tell data sets apart: positions in the sampler's ``keys``."""

    def __init__(self, episodes: SampledEpisodes) -> None:
        self.episodes = episodes
        sampler = episodes.sampler
        self.numbers = {key: number for number, key in enumerate(sampler.keys)}

    def __len__(self) -> int:
        return len(self.episodes)

    def __getitem__(self, index: int) -> Episode:
        episode = self.episodes[index]
        key = self.episodes.sampler.sample(index).key
        episode.class_id = torch.tensor([self.numbers[key]])
        return episode


def _leave_out_images(
    dataset: LabelledImages, held_out: Sequence[ClassKey], least: int
) -> LabelledImages:
    """Only the images with fewer pixels of the held-out classes than ``least``."""
    ids = [class_id for owner, class_id in held_out if owner == dataset.name]
    clean = [
        index
        for index in range(len(dataset))
        if np.count_nonzero(np.isin(dataset.read_labels(index), ids)) < least
    ]
    return ImageSubset(dataset, clean)


def _split_images(
    datasets: Sequence[LabelledImages], val_share: float
) -> tuple[list[LabelledImages], list[LabelledImages]]:
    """The first images of each data set for training, the last for validation.

    Raises:
        DatasetError: a data set has too few images for both.
    """
    train: list[LabelledImages] = []
    val: list[LabelledImages] = []
    for dataset in datasets:
        cut = len(dataset) - max(2, round(val_share * len(dataset)))
        if cut < 2:
            raise DatasetError(
                f"the data set '{dataset.name}' has {len(dataset)} images",
                "expected at least 4: a query and a support of their own for training and "
                "for validation",
            )
        train.append(ImageSubset(dataset, range(cut)))
        val.append(ImageSubset(dataset, range(cut, len(dataset))))
    return train, val
