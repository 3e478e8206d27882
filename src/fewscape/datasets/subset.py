"""Some images of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fewscape.core import Window
from fewscape.datasets.base import LabelledImages


class ImageSubset:
    """A ``LabelledImages`` with some images of another one, under the same name.

    Args:
        dataset: the whole data set.
        indices: images to keep, in order.
    """

    def __init__(self, dataset: LabelledImages, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = list(indices)
        self.name: str = dataset.name
        self.classes: Mapping[int, str] = dataset.classes
        self.ignore: int = dataset.ignore

    def __len__(self) -> int:
        return len(self.indices)

    def image_path(self, index: int) -> str:
        """Path of the image relative to the root."""
        return self.dataset.image_path(self.indices[index])

    def labels_path(self, index: int) -> str:
        """Path of the labels relative to the root."""
        return self.dataset.labels_path(self.indices[index])

    def size(self, index: int) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.dataset.size(self.indices[index])

    def read_image(self, index: int, window: Window | None = None) -> npt.NDArray[np.generic]:
        """(C, H, W) pixels."""
        return self.dataset.read_image(self.indices[index], window)

    def read_labels(self, index: int, window: Window | None = None) -> npt.NDArray[np.uint8]:
        """(H, W) class ids."""
        return self.dataset.read_labels(self.indices[index], window)
