"""Read pixels and labels of crops, from files or in-memory data sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from fewscape.core import IGNORE, DatasetError
from fewscape.datasets.base import LabelledImages
from fewscape.datasets.folder import as_labels
from fewscape.datasets.image_files import ImageFiles
from fewscape.datasets.manifest import Crop
from fewscape.datasets.stretch import RgbScaler
from fewscape.ops import resize_maps, sample_nearest

Bytes = npt.NDArray[np.uint8]


class CropSource(Protocol):
    """Source of the pixels of crops."""

    def image(self, crop: Crop) -> Bytes:
        """(3, H, W) RGB of the crop's window."""
        ...

    def labels(self, crop: Crop) -> Bytes:
        """Class ids (H, W) of the crop's window, 255 for unknown."""
        ...


class FileCrops:
    """Crops of files under one root, by the paths in manifests.

    Args:
        root: folder that the paths are relative to.
        ignore: id of pixels without a label in the files.
        bands: band numbers from 1 for red, green and blue; by default the first three, or the only
            one.
        cache_bytes: cache size of decoded images in bytes, and the same for labels.
    """

    def __init__(
        self,
        root: Path | str,
        ignore: int = IGNORE,
        bands: Sequence[int] | None = None,
        cache_bytes: int = 64 << 20,
    ) -> None:
        self.ignore = ignore
        self.bands = bands
        self._images = ImageFiles(root, cache_bytes)
        self._labels = ImageFiles(root, cache_bytes)
        self._scaler = RgbScaler()

    def image(self, crop: Crop) -> Bytes:
        """(3, H, W) RGB of the crop's window."""
        pixels = self._images.read(crop.image, crop.window, self.bands)
        return self._scaler(
            crop.image, pixels, lambda: self._images.read(crop.image, None, self.bands)
        )

    def labels(self, crop: Crop) -> Bytes:
        """Class ids (H, W) of the crop's window, 255 for unknown."""
        labels = as_labels(self._labels.read(crop.labels, crop.window), crop.labels)
        return _mark_unknown(labels, self.ignore)


class DatasetCrops:
    """Crops of data sets, by the data sets' image paths.

    Raises:
        DatasetError: two images have the same path.
    """

    def __init__(self, datasets: Sequence[LabelledImages]) -> None:
        self._places: dict[str, tuple[LabelledImages, int]] = {}
        for dataset in datasets:
            for index in range(len(dataset)):
                path = dataset.image_path(index)
                if path in self._places:
                    raise DatasetError(
                        f"two images are named '{path}'",
                        "every image needs its own name",
                        "use each data set once, with one root for all",
                    )
                self._places[path] = (dataset, index)
        self._scaler = RgbScaler()

    def image(self, crop: Crop) -> Bytes:
        """(3, H, W) RGB of the crop's window."""
        dataset, index = self._places[crop.image]
        pixels = dataset.read_image(index, crop.window)
        return self._scaler(crop.image, pixels, lambda: dataset.read_image(index))

    def labels(self, crop: Crop) -> Bytes:
        """Class ids (H, W) of the crop's window, 255 for unknown."""
        dataset, index = self._places[crop.image]
        return _mark_unknown(dataset.read_labels(index, crop.window), dataset.ignore)


def read_image(source: CropSource, crop: Crop, size: tuple[int, int]) -> torch.Tensor:
    """Read the crop's image (3, *size) uint8, resized with an antialiased filter if needed."""
    return resize_maps(torch.from_numpy(source.image(crop))[None], size, antialias=True)[0]


def read_labels(source: CropSource, crop: Crop, size: tuple[int, int]) -> torch.Tensor:
    """Read the crop's labels (*size) uint8, 255 unknown; resized with the nearest pixel."""
    labels = torch.from_numpy(source.labels(crop))
    return labels if labels.shape == size else sample_nearest(labels[None], size)[0]


def mask_of(labels: torch.Tensor, class_id: int) -> torch.Tensor:
    """The mask of one class, in the labels' shape: uint8 with 1, 0, and 255 for unknown."""
    return torch.where(labels == IGNORE, labels, (labels == class_id).to(torch.uint8))


def _mark_unknown(labels: Bytes, ignore: int) -> Bytes:
    return labels if ignore == IGNORE else np.where(labels == ignore, np.uint8(IGNORE), labels)
