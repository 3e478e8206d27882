"""The interface of labelled data sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from fewscape.core import Window


@runtime_checkable
class LabelledImages(Protocol):
    """Images with integer labels of the same size, indexed from 0 to ``len() - 1``."""

    name: str
    """Short name, as in episode manifests."""
    classes: Mapping[int, str]
    """Class names by id in the labels."""
    ignore: int
    """The id of unlabelled pixels."""

    def __len__(self) -> int: ...

    def image_path(self, index: int) -> str:
        """Path of the image relative to the root, with forward slashes; a name if not on disk."""
        ...

    def labels_path(self, index: int) -> str:
        """Path of the labels, likewise."""
        ...

    def size(self, index: int) -> tuple[int, int]:
        """Height and width in pixels, without decoding the image."""
        ...

    def read_image(self, index: int, window: Window | None = None) -> npt.NDArray[np.generic]:
        """(C, H, W) pixels in the dtype of the file."""
        ...

    def read_labels(self, index: int, window: Window | None = None) -> npt.NDArray[np.uint8]:
        """Class ids (H, W); ``ignore`` for unknown pixels."""
        ...
