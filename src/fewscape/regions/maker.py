"""What every over-segmentation offers, and the numbering that all share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

Regions = npt.NDArray[np.int32]


class RegionMaker(ABC):
    """Cuts an image into regions; can be pickled, so that worker processes can have one.

    Attributes:
        name: name in ``REGION_METHODS``.
        parameters: plain data that, with the name and the pixels, determine the result.
    """

    name: ClassVar[str]

    @property
    @abstractmethod
    def parameters(self) -> Mapping[str, Any]:
        """What the result depends on besides the pixels."""

    @abstractmethod
    def segment(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.integer]:
        """(H, W, C) pixels to (H, W) ids in any numbering, negative for none."""

    def __call__(self, image: npt.NDArray[np.uint8]) -> Regions:
        """(H, W, C) uint8 to (H, W) int32: 0 is the largest region, -1 no region."""
        return number_by_area(self.segment(image))


def number_by_area(ids: npt.NDArray[np.integer]) -> Regions:
    """Regions numbered from 0 by decreasing area; of equal ones the first in reading order.

    Args:
        ids: (H, W) ids in any numbering, negative for none.

    Returns:
        (H, W) int32, -1 for none.

    Examples:
        >>> number_by_area(np.array([[7, 7, 3, -1]])).tolist()
        [[0, 0, 1, -1]]
    """
    flat = ids.ravel()
    known = flat >= 0
    found, first, inverse, areas = np.unique(
        flat[known], return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -areas))
    ranks = np.empty(len(found), np.int32)
    ranks[order] = np.arange(len(found), dtype=np.int32)
    numbered = np.full(flat.shape, -1, np.int32)
    numbered[known] = ranks[inverse]
    return numbered.reshape(ids.shape)
