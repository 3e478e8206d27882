"""Episodes for training and validation, from folders or from synthetic scenes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch
from torch.utils.data import DataLoader, Dataset

from fewscape.core import ConfigError, Episode, suggest
from fewscape.datasets import (
    Augment,
    ClassKey,
    EpisodeSampler,
    LabelledImages,
    Manifest,
    ManifestEpisodes,
    SampledEpisodes,
    ShareLimits,
    pick_images,
)
from fewscape.datasets.protocols import HeldOutPixels
from fewscape.models import FewShotModel
from fewscape.regions import MakeRegions, open_regions
from fewscape.training.episode_images import skip_images, split_images
from fewscape.training.episode_sources import FolderSource, SyntheticSource
from fewscape.training.input_facts import check_resolution, describe_images
from fewscape.training.number_ranges import LARGEST_IMAGE, check_crops, check_range


class EpisodeData(lightning.LightningDataModule):
    """Training episodes, new ones every epoch, and fixed validation episodes of base classes.

    Validation uses separate images, by default the last of each data set, which are usually of
    other ground. Held-out classes appear in neither, unless ``val_manifest`` has them.

    Args:
        folders: data sets on disk.
        synthetic: synthetic scenes, instead of or in addition to folders.
        held_out: classes reserved for testing.
        held_out_pixels: how their pixels are treated in training: ``unknown`` (255) ignores them,
            ``background`` makes them background, as in several papers, and ``skip_image`` drops
            images that show them, as in others.
        skip_image_pixels: for ``skip_image``, the number of held-out pixels from which an image is
            dropped; fewer are background.
        leave_out: classes without episodes; their pixels are background.
        shots: supports per training episode; validation is 1-shot.
        image_size: window side, pixels.
        windows: window sides to crop and resize to ``image_size``, for multi-scale training; only
            ``image_size`` if not given.
        whole_images: use whole images of any size instead of windows, for data sets of tiles.
        batch_size: episodes per step.
        episodes_per_epoch: training episodes per epoch.
        val_episodes: number of validation episodes.
        val_share: share of each data set's images for validation.
        val_spread: take validation images evenly from the whole data set instead of its end, for
            images that are sorted by content and do not overlap.
        val_manifest: manifest of validation episodes, relative to the root of ``folders``; all
            images are then used for training. If it has the tested classes, the best network is
            selected by its test score, as in most papers, which makes its scores optimistic.
        min_share: minimum share of a window that the object fills.
        max_share: maximum share.
        elsewhere: share of training episodes whose query was drawn for another class and mostly
            lacks the episode's class, as most windows of a scene do.
        by_pairs: share of training episodes that sample (image, class) pairs uniformly, like
            published lists; the others sample classes uniformly.
        augment: rotate, flip and change the brightness of crops; ``geometric`` keeps the
            brightness.
        region_store: cache folder of the network's region maps.
        num_workers: reader processes; the episodes do not depend on it.
        seed: random seed of all episodes.
        ground_resolution: pixel size on the ground, metres; the network maps georeferenced scenes
            at this resolution.
    """

    def __init__(
        self,
        folders: FolderSource | None = None,
        synthetic: SyntheticSource | None = None,
        held_out: Sequence[str] = (),
        held_out_pixels: HeldOutPixels = "unknown",
        skip_image_pixels: int = 1,
        leave_out: Sequence[str] = ("background", "clutter"),
        shots: int = 1,
        image_size: int = 256,
        windows: Sequence[int] = (),
        whole_images: bool = False,
        batch_size: int = 8,
        episodes_per_epoch: int = 800,
        val_episodes: int = 160,
        val_share: float = 0.2,
        val_spread: bool = False,
        val_manifest: str | None = None,
        min_share: float = 0.03,
        max_share: float = 0.9,
        elsewhere: float = 0.0,
        by_pairs: float = 0.0,
        augment: Augment | None = None,
        region_store: str | None = None,
        num_workers: int = 0,
        seed: int = 0,
        ground_resolution: float | None = None,
    ) -> None:
        super().__init__()
        if folders is None and synthetic is None:
            raise ConfigError("the recipe has no data", "expected data.folders or data.synthetic")
        check_crops(image_size, batch_size, num_workers, val_share)
        for window in windows:
            check_range("data.windows", window, 1, LARGEST_IMAGE)
        check_range("data.shots", shots, 1, 1000)
        check_range("data.episodes_per_epoch", episodes_per_epoch, 1, 1e12)
        check_range("data.val_episodes", val_episodes, 1, 1e9)
        for name, share in (("elsewhere", elsewhere), ("by_pairs", by_pairs)):
            check_range(f"data.{name}", share, 0, 1)
        self.folders = folders
        self.synthetic = synthetic
        self.held_out = tuple(held_out)
        self.held_out_pixels: HeldOutPixels = held_out_pixels
        self.skip_image_pixels = skip_image_pixels
        self.leave_out = tuple(leave_out)
        self.shots = shots
        self.image_size = image_size
        self.windows = None if whole_images else list(windows) or [image_size]
        self.batch_size = batch_size
        self.episodes_per_epoch = episodes_per_epoch
        self.val_episodes = val_episodes
        self.val_share = val_share
        self.val_spread = val_spread
        self.val_manifest = val_manifest
        self.limits = ShareLimits(min_share, max_share)
        self.elsewhere = elsewhere
        self.by_pairs = by_pairs
        self.augment = augment
        self.region_store = region_store
        self.num_workers = num_workers
        self.seed = seed
        self.ground_resolution = check_resolution(ground_resolution)
        self._train: SampledEpisodes | None = None
        self._val: Dataset[Episode] | None = None

    def setup(self, stage: str) -> None:
        """Read the labels and index the windows; later calls do nothing."""
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
        if self.held_out_pixels == "skip_image":
            datasets = [
                skip_images(dataset, held_out, self.skip_image_pixels) for dataset in datasets
            ]
        maker = self._open_regions()
        if self.val_manifest is None:
            train, val = split_images(datasets, self.val_share, self.val_spread)
            self._val = self._sample_val(val, drawn, hidden, listed, maker)
        else:
            train = datasets
            self._val = self._read_val(maker)
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
            by_pairs=self.by_pairs,
        )
        size = (self.image_size, self.image_size)
        self._train = SampledEpisodes(sampler, self.episodes_per_epoch, size, self.augment, maker)

    def _sample_val(
        self,
        datasets: Sequence[LabelledImages],
        drawn: Sequence[ClassKey],
        hidden: Sequence[ClassKey],
        listed: Mapping[ClassKey, Collection[str]],
        maker: MakeRegions | None,
    ) -> Dataset[Episode]:
        sampler = EpisodeSampler(
            datasets,
            drawn,
            1,
            None if self.windows is None else self.image_size,
            self.limits,
            hidden,
            self.seed + 1,
            listed=listed,
        )
        size = (self.image_size, self.image_size)
        return NumberedEpisodes(SampledEpisodes(sampler, self.val_episodes, size, None, maker))

    def _read_val(self, maker: MakeRegions | None) -> Dataset[Episode]:
        """Read the episodes of ``val_manifest``.

        Raises:
            ConfigError: there is no root for its paths.
        """
        if self.folders is None:
            raise ConfigError(
                "data.val_manifest needs a root for its paths", "expected data.folders.root"
            )
        assert self.val_manifest is not None
        return ManifestEpisodes(Manifest.load(self.val_manifest), self.folders.root, maker)

    def _split_classes(
        self, datasets: Sequence[LabelledImages], lists: Mapping[str, Collection[str]]
    ) -> tuple[list[ClassKey], list[ClassKey]]:
        """Split classes into those to draw, by the data set's lists if any, and held-out ones."""
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
        """The region maker of the network in training."""
        model = getattr(self.trainer and self.trainer.lightning_module, "model", None)
        if not isinstance(model, FewShotModel):
            return None
        return open_regions(model.region_method, model.region_options, self.region_store)

    @property
    def num_datasets(self) -> int:
        """Number of data sets; known after ``setup``."""
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

    @cached_property
    def input_facts(self) -> dict[str, Any]:
        """Facts about the training images, to compare with scenes."""
        assert self._train is not None
        images = pick_images(list(self._train.sampler.datasets.values()))
        return describe_images(images, self.ground_resolution)

    def describe(self) -> dict[str, Any]:
        """Describe the training data for the model card."""
        told = [] if self.folders is None else list(self.folders.names)
        if self.synthetic is not None:
            side = self.synthetic.size
            told.append(f"{self.synthetic.num_scenes} synthetic scenes of {side} x {side} pixels")
        data = ", ".join(told)
        if self.folders is not None and self.folders.lists is not None:
            data += f", by the lists {self.folders.lists}"
        facts = {"data": data, "held_out": list(self.held_out), "seed": self.seed}
        if self.held_out:
            facts["held_out_pixels"] = self.held_out_pixels
        if self.val_manifest is not None:
            name = Path(self.val_manifest).name
            facts["validation"] = f"the episodes of {name}; scores on these are optimistic"
        return facts


class NumberedEpisodes(Dataset[Episode]):
    """Episodes with class ids unique over data sets: indices in the sampler's ``keys``."""

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
