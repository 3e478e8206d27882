"""Episodes as torch data sets."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from fewscape.core import IGNORE, Episode
from fewscape.datasets.augment import Augment
from fewscape.datasets.crops import (
    CropSource,
    DatasetCrops,
    FileCrops,
    mask_of,
    read_image,
    read_labels,
)
from fewscape.datasets.manifest import ClassKey, Crop, EpisodeSpec, Manifest
from fewscape.datasets.sampler import EpisodeSampler
from fewscape.regions import MakeRegions


@dataclass(frozen=True, slots=True)
class EpisodeReader:
    """Reads the episodes of a manifest or sampler as tensors.

    Regions are made before augmentation, so that they can be cached, and are transformed with the
    image.
    """

    source: CropSource
    image_size: tuple[int, int] = (256, 256)
    """Height and width; windows of another size are resized."""
    hidden: frozenset[ClassKey] = frozenset()
    """(data set, class id) whose pixels are unknown."""
    regions: MakeRegions | None = None
    augment: Augment | None = None

    def read(self, spec: EpisodeSpec, rng: np.random.Generator | None = None) -> Episode:
        """Read one episode, batch 1.

        Args:
            spec: class and crops.
            rng: random generator for ``augment``; without one, nothing is augmented.
        """
        hidden = [class_id for name, class_id in self.hidden if name == spec.dataset]
        images, labels, regions = zip(
            *(self._read_crop(crop, hidden, rng) for crop in spec.crops), strict=True
        )
        masks = torch.stack([mask_of(each, spec.class_id) for each in labels])
        maps = None if regions[0] is None else torch.stack(regions)
        return Episode(
            query_image=images[0][None],
            query_mask=masks[:1],
            support_images=torch.stack(images[1:])[None],
            support_masks=masks[None, 1:],
            class_id=torch.tensor([spec.class_id]),
            query_regions=None if maps is None else maps[:1],
            support_regions=None if maps is None else maps[None, 1:],
            query_labels=labels[0][None],
        )

    def _read_crop(
        self, crop: Crop, hidden: Collection[int], rng: np.random.Generator | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        image = read_image(self.source, crop, self.image_size)
        labels = read_labels(self.source, crop, self.image_size)
        if hidden:
            is_hidden = torch.isin(labels, torch.tensor([*hidden], dtype=labels.dtype))
            labels = labels.masked_fill(is_hidden, IGNORE)
        maps = [labels]
        if self.regions is not None:
            made = self.regions(np.ascontiguousarray(image.permute(1, 2, 0).numpy()))
            maps.append(torch.from_numpy(np.ascontiguousarray(made)))
        if self.augment is not None and rng is not None:
            image, *maps = self.augment(rng, image, *maps)
        return image, maps[0], maps[1] if len(maps) > 1 else None


class SampledEpisodes(Dataset[Episode]):
    """A fixed number of new episodes per epoch.

    Args:
        sampler: the sampler; its hidden classes are 255 in every mask.
        length: episodes per epoch.
        image_size: height and width of the tensors.
        augment: augmentation of every crop, or None.
        regions: region maker, or None.
    """

    def __init__(
        self,
        sampler: EpisodeSampler,
        length: int,
        image_size: tuple[int, int] = (256, 256),
        augment: Augment | None = None,
        regions: MakeRegions | None = None,
    ) -> None:
        self.sampler = sampler
        self.length = length
        source = DatasetCrops(list(sampler.datasets.values()))
        self.reader = EpisodeReader(source, image_size, sampler.hidden, regions, augment)
        # In shared memory, since persistent workers would not see an attribute change.
        self._epoch = torch.zeros((), dtype=torch.int64)
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next episodes; workers see it at once."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Episode:
        if not 0 <= index < self.length:
            raise IndexError(index)
        epoch = int(self._epoch)
        rng = np.random.default_rng([self.sampler.seed, epoch, index, 1])
        return self.reader.read(self.sampler.sample(index, epoch), rng)


class ManifestEpisodes(Dataset[Episode]):
    """The episodes of a manifest, in order.

    Args:
        manifest: the manifest.
        root: folder that its paths are relative to.
        regions: region maker, or None.
        hidden: (data set, class id) whose pixels are unknown.

    Raises:
        ManifestError: a file is missing or a window exceeds its image.
    """

    def __init__(
        self,
        manifest: Manifest,
        root: Path | str,
        regions: MakeRegions | None = None,
        hidden: Collection[ClassKey] = (),
    ) -> None:
        manifest.check_files(root)
        self.manifest = manifest
        source = FileCrops(root, manifest.ignore)
        self.reader = EpisodeReader(source, manifest.image_size, frozenset(hidden), regions)

    def __len__(self) -> int:
        return len(self.manifest)

    def __getitem__(self, index: int) -> Episode:
        return self.reader.read(self.manifest.episodes[index])
