"""Training crops and validation tiles of a supervised network."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import lightning.pytorch as lightning
import torch
from torch.utils.data import DataLoader, Dataset

from fewscape.core import ConfigError
from fewscape.datasets import (
    Area,
    AreaReader,
    AreaTiles,
    Augment,
    CropOptions,
    FolderDataset,
    LabelledCrop,
    TrainingCrops,
    choose_areas,
    image_stem,
    pick_evenly,
    read_colours,
    read_splits,
    separate_ground,
)
from fewscape.datasets.present_classes import check_present, count_until_all
from fewscape.training.episode_sources import DECODED_BYTES
from fewscape.training.input_facts import check_resolution, describe_images
from fewscape.training.number_ranges import check_crops, check_range

log = logging.getLogger(__name__)


class SemanticData(lightning.LightningDataModule):
    """One data set in the generic layout: ``images/``, ``labels/`` and ``classes.json``.

    Validation uses separate ground: the split ``val`` of ``splits.json`` if there is one, otherwise
    the last images of the data set, see ``separate_ground``.

    Args:
        folder: folder of the data set.
        train: splits or image name patterns, such as ``tile7_*``; by default the split ``train``,
            otherwise everything outside validation.
        val: likewise for validation. Set it to training or test images to follow papers that do so.
        val_share: share of the pixels for validation, if there is no split.
        labels: folder of the labels, for example of a variant.
        image_size: side of the crops and tiles, pixels.
        crops: options of crop sampling.
        augment: rotate, flip and change the brightness of crops.
        batch_size: crops per step.
        samples_per_epoch: training crops per epoch; by default as many as cover the ground once.
        num_workers: reader processes; the crops do not depend on it.
        seed: random seed of all crops.
        ground_resolution: pixel size on the ground, metres; the network maps georeferenced scenes
            at this resolution.
    """

    def __init__(
        self,
        folder: str,
        train: Sequence[str] = (),
        val: Sequence[str] = (),
        val_share: float = 0.2,
        labels: str = "labels",
        image_size: int = 512,
        crops: CropOptions | None = None,
        augment: Augment | None = None,
        batch_size: int = 8,
        samples_per_epoch: int | None = None,
        num_workers: int = 0,
        seed: int = 0,
        ground_resolution: float | None = None,
    ) -> None:
        super().__init__()
        check_crops(image_size, batch_size, num_workers, val_share)
        check_range("data.samples_per_epoch", samples_per_epoch or 1, 1, 1e12)
        self.ground_resolution = check_resolution(ground_resolution)
        self.image_size = image_size
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed
        self.dataset = FolderDataset(folder, cache_bytes=DECODED_BYTES, labels=labels)
        self.reader = AreaReader(self.dataset)
        self.train_areas, self.val_areas = split_areas(self.dataset, train, val, val_share)
        pixels = sum(area.pixels for area in self.train_areas)
        count = samples_per_epoch or max(batch_size, round(pixels / image_size**2))
        if count < batch_size:
            raise ConfigError(
                f"an epoch of {count} crops has no batch of {batch_size}",
                "incomplete batches are dropped",
                "raise data.samples_per_epoch or lower data.batch_size",
            )
        self._train = TrainingCrops(
            self.reader, self.train_areas, count, image_size, crops, augment, seed
        )
        self._val = AreaTiles(self.reader, self.val_areas, image_size)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in the order of their ids."""
        return self.reader.class_names

    def setup(self, stage: str) -> None:
        """Check before training that the classes have pixels.

        Raises:
            DatasetError: the labels for training show fewer than two of them.
        """
        if stage == "fit":
            pixels = count_until_all(self.dataset, self.train_areas)
            if absent := check_present(self.dataset, pixels):
                log.warning("no training pixel is %s, which cannot be learnt", " or ".join(absent))

    def train_dataloader(self) -> DataLoader[LabelledCrop]:
        """Crops of the trainer's current epoch."""
        self._train.set_epoch(self.trainer.current_epoch if self.trainer else 0)
        return self._loader(self._train, drop_last=True)

    def val_dataloader(self) -> DataLoader[LabelledCrop]:
        """Tiles of the validation areas."""
        return self._loader(self._val)

    def _loader(
        self, crops: Dataset[LabelledCrop], drop_last: bool = False
    ) -> DataLoader[LabelledCrop]:
        return DataLoader(
            crops,
            self.batch_size,
            num_workers=self.num_workers,
            drop_last=drop_last,
            pin_memory=torch.cuda.is_available(),
        )

    @cached_property
    def input_facts(self) -> dict[str, Any]:
        """Facts about the training images, to compare with scenes."""
        picked = [self.train_areas[at] for at in pick_evenly(len(self.train_areas))]
        return describe_images(map(self.reader.image, picked), self.ground_resolution)

    def describe(self) -> dict[str, Any]:
        """Describe the training data for the model card."""
        names = [image_stem(self.dataset, area.image) for area in self.val_areas]
        colours = read_colours(self.dataset.folder / "classes.json")
        facts = {"data": self.dataset.name, "validation": names, "seed": self.seed}
        return facts if colours is None else facts | {"colours": [list(own) for own in colours]}


def split_areas(
    dataset: FolderDataset, train: Sequence[str], val: Sequence[str], val_share: float
) -> tuple[list[Area], list[Area]]:
    """Split into areas for training and validation, see ``SemanticData``.

    Raises:
        ConfigError: a name is unknown, or nothing is left to train on.
        DatasetError: a split has an absent image.
    """
    splits = read_splits(dataset.folder)
    val = val or [name for name in ("val",) if name in splits]
    train = train or [name for name in ("train",) if name in splits]
    if not val and not train:
        return separate_ground(dataset, val_share)
    everything = choose_areas(dataset, ["*"], {})
    chosen_val, chosen_train = (choose_areas(dataset, names, splits) for names in (val, train))
    for_val = chosen_val or [area for area in everything if area not in chosen_train]
    for_train = chosen_train or [area for area in everything if area not in chosen_val]
    if not for_train or not for_val:
        raise ConfigError(
            f"nothing of '{dataset.name}' is left for {'validation' if for_train else 'training'}",
            "the other one uses every image",
            "list fewer images in data.train or data.val",
        )
    shared = [area for area in for_val if area in for_train]
    if shared:
        log.warning(
            "%d of %d validation images are also training images; their score does not hold "
            "for new ground",
            len(shared),
            len(for_val),
        )
    return for_train, for_val
