"""Training crops and validation tiles of labelled areas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch.utils.data import Dataset

from fewscape.core import IGNORE, ConfigError, Window
from fewscape.datasets.areas import Area
from fewscape.datasets.augment import Augment
from fewscape.datasets.base import LabelledImages
from fewscape.datasets.stretch import RgbScaler
from fewscape.ops import resize_maps, sample_nearest

CELL_LIMITS = (0.25, 0.75)
"""Range of a mosaic's centre, as shares of its sides."""


class LabelledCrop(NamedTuple):
    """A piece of an image with its labels, or a batch of them."""

    image: torch.Tensor
    """(3, H, W) uint8."""
    labels: torch.Tensor
    """(H, W) uint8 class numbers, 255 unknown."""


class AreaReader:
    """Reads windows of a data set's images; classes are numbered in the order of their ids.

    Args:
        dataset: the images.
    """

    def __init__(self, dataset: LabelledImages) -> None:
        self.dataset = dataset
        self._numbers = np.full(256, IGNORE, np.uint8)
        self._numbers[list(dataset.classes)] = np.arange(len(dataset.classes))
        self._scaler = RgbScaler()

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, starting with class 0."""
        return tuple(self.dataset.classes.values())

    def labels(self, area: Area) -> npt.NDArray[np.uint8]:
        """Read class numbers (H, W), 255 unknown."""
        return self._numbers[self.dataset.read_labels(area.image, area.window)]

    def image(self, area: Area) -> npt.NDArray[np.uint8]:
        """(3, H, W) RGB."""
        dataset, index = self.dataset, area.image
        pixels = dataset.read_image(index, area.window)
        name = dataset.image_path(index)
        return self._scaler(name, pixels, lambda: dataset.read_image(index))


@dataclass(frozen=True, slots=True)
class CropOptions:
    """Options of training crops.

    Attributes:
        scales: scale factors to draw from; 0.5 shows twice the ground per side.
        mosaic: share of crops composed of four others.
        max_share: maximum share of one class in the known pixels; crops with more, or with a single
            class, are redrawn.
        tries: maximum number of draws per crop; the last one is used in any case.
    """

    scales: tuple[float, ...] = (0.75, 1.0, 1.25, 1.5)
    mosaic: float = 0.25
    max_share: float = 0.75
    tries: int = 11

    def __post_init__(self) -> None:
        if not self.scales or min(self.scales) <= 0 or self.tries < 1:
            raise ConfigError(
                f"scales {list(self.scales)} and {self.tries} tries",
                "expected at least one scale, all above 0, and at least one try",
            )


class TrainingCrops(Dataset[LabelledCrop]):
    """Crops that depend only on seed, epoch and index.

    Areas are sampled by size, so that every pixel is about equally likely. A crop that exceeds its
    area is padded with zeros and unknown labels.

    Args:
        reader: reader of the data set.
        areas: areas to crop.
        count: crops per epoch.
        size: side of the crops, pixels.
        options: see ``CropOptions``.
        augment: augmentation of every crop, if any.
        seed: random seed.
    """

    def __init__(
        self,
        reader: AreaReader,
        areas: Sequence[Area],
        count: int,
        size: int,
        options: CropOptions | None = None,
        augment: Augment | None = None,
        seed: int = 0,
    ) -> None:
        self.reader = reader
        self.areas = list(areas)
        self.count = count
        self.size = size
        self.options = options or CropOptions()
        self.augment = augment
        self.seed = seed
        self.epoch = 0
        pixels = np.array([area.pixels for area in self.areas], np.float64)
        self._chances = pixels / pixels.sum()

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next crops."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> LabelledCrop:
        rng = np.random.default_rng([self.seed, self.epoch, index])
        scale = self.options.scales[int(rng.integers(len(self.options.scales)))]
        is_mosaic = rng.random() < self.options.mosaic
        crop = self._compose(rng, scale) if is_mosaic else self._draw(rng, scale)
        if self.augment is None:
            return crop
        return LabelledCrop(*self.augment(rng, *crop))

    def _draw(self, rng: np.random.Generator, scale: float) -> LabelledCrop:
        """Draw a crop with several classes, within the allowed tries."""
        side = max(1, round(self.size / scale))
        for _ in range(self.options.tries):
            place = self._place(rng, (side, side))
            if _is_mixed(self.reader.labels(place), self.options.max_share):
                break
        return read_crop(self.reader, place, (side, side), (self.size, self.size))

    def _compose(self, rng: np.random.Generator, scale: float) -> LabelledCrop:
        """Compose four crops around a point."""
        low, high = (round(share * self.size) for share in CELL_LIMITS)
        row, col = (int(rng.integers(low, high + 1)) for _ in range(2))
        image = torch.zeros((3, self.size, self.size), dtype=torch.uint8)
        labels = torch.full((self.size, self.size), IGNORE, dtype=torch.uint8)
        for rows in (slice(0, row), slice(row, self.size)):
            for cols in (slice(0, col), slice(col, self.size)):
                size = rows.stop - rows.start, cols.stop - cols.start
                shape = max(1, round(size[0] / scale)), max(1, round(size[1] / scale))
                cell = read_crop(self.reader, self._place(rng, shape), shape, size)
                image[:, rows, cols] = cell.image
                labels[rows, cols] = cell.labels
        return LabelledCrop(image, labels)

    def _place(self, rng: np.random.Generator, shape: tuple[int, int]) -> Area:
        """Place a rectangle in an area, clipped to it."""
        index, (top, left, height, width) = self.areas[
            int(rng.choice(len(self.areas), p=self._chances))
        ]
        rows, cols = min(shape[0], height), min(shape[1], width)
        row = top + int(rng.integers(height - rows + 1))
        col = left + int(rng.integers(width - cols + 1))
        return Area(index, Window(row, col, rows, cols))


class AreaTiles(Dataset[LabelledCrop]):
    """Adjacent tiles that cover areas; pixels beyond an area are unknown.

    Args:
        reader: reader of the data set.
        areas: areas to cover.
        size: side of the tiles, pixels.
    """

    def __init__(self, reader: AreaReader, areas: Sequence[Area], size: int) -> None:
        self.reader = reader
        self.size = size
        self._tiles = [
            Area(
                index,
                Window(row, col, min(size, top + height - row), min(size, left + width - col)),
            )
            for index, (top, left, height, width) in areas
            for row in range(top, top + height, size)
            for col in range(left, left + width, size)
        ]

    def __len__(self) -> int:
        return len(self._tiles)

    def __getitem__(self, index: int) -> LabelledCrop:
        side = (self.size, self.size)
        return read_crop(self.reader, self._tiles[index], side, side)


def read_crop(
    reader: AreaReader, area: Area, shape: tuple[int, int], size: tuple[int, int]
) -> LabelledCrop:
    """Read an area padded to ``shape`` and resized to ``size``, both height and width.

    The image is resized with an antialiased filter, labels with the nearest pixel.
    """
    image, labels = torch.from_numpy(reader.image(area)), torch.from_numpy(reader.labels(area))
    missing = shape[0] - area.window.height, shape[1] - area.window.width
    if any(missing):
        before = missing[0] // 2, missing[1] // 2
        sides = (before[1], missing[1] - before[1], before[0], missing[0] - before[0])
        image, labels = F.pad(image, sides), F.pad(labels, sides, value=IGNORE)
    if shape == size:
        return LabelledCrop(image, labels)
    resized = resize_maps(image[None], size, antialias=True)[0]
    return LabelledCrop(resized, sample_nearest(labels[None], size)[0])


def _is_mixed(labels: npt.NDArray[np.uint8], max_share: float) -> bool:
    """Whether there are several classes and none dominates."""
    counts = np.bincount(labels.ravel(), minlength=256)[:IGNORE]
    return int((counts > 0).sum()) > 1 and int(counts.max()) < max_share * int(counts.sum())
