"""The interface of over-segmentations, and their common numbering."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from fewscape.core import ShapeError

Image = npt.NDArray[np.generic]
"""(H, W, C) pixels; uint8 unless noted."""

Regions = npt.NDArray[np.int32]
"""(H, W) ids: 0 for the largest region, -1 for none."""

MakeRegions = Callable[[npt.NDArray[np.uint8]], Regions]
"""Function from (H, W, 3) uint8 to regions (H, W)."""


class RegionMaker(ABC):
    """Segments an image into regions; picklable for worker processes.

    Attributes:
        name: name in ``REGION_METHODS``.
        parameters: plain data that, with the name and the pixels, determine the result.
    """

    name: ClassVar[str]

    @property
    @abstractmethod
    def parameters(self) -> Mapping[str, Any]:
        """The parameters that determine the result besides the pixels."""

    @abstractmethod
    def segment(self, image: Image) -> npt.NDArray[np.integer]:
        """Segment finite pixels (H, W, C) into ids (H, W) in any numbering, negative for none."""

    def __call__(self, image: Image, valid: npt.NDArray[np.bool_] | None = None) -> Regions:
        """Segment an image.

        Args:
            image: (H, W, C) uint8, any number of bands; other dtypes are not converted.
            valid: (H, W) valid pixels; all if not given. Pixels with a non-finite value are never
                valid.

        Returns:
            (H, W) int32: 0 for the largest region, -1 for no region and invalid pixels.

        Raises:
            ShapeError: the image does not have three axes, or ``valid`` differs in size.
        """
        _check(image, valid)
        finite = np.isfinite(image).all(axis=2)
        seen: npt.NDArray[np.bool_] = np.asarray(finite if valid is None else finite & valid)
        if not seen.any():
            return np.full(seen.shape, -1, np.int32)
        if seen.all():
            return number_by_area(self.segment(image))
        ids = self.segment(_fill(image, seen))
        return number_by_area(np.where(seen, ids, -1))


def number_by_area(ids: npt.NDArray[np.integer]) -> Regions:
    """Number regions from 0 by decreasing area; ties in reading order.

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


def _check(image: Image, valid: npt.NDArray[np.bool_] | None) -> None:
    if image.ndim != 3 or image.size == 0:
        raise ShapeError(
            f"the image to segment has shape {image.shape}",
            "expected (H, W, C) with at least one pixel and one band",
            "put the bands last; a single band needs an axis of its own",
        )
    if valid is not None and valid.shape != image.shape[:2]:
        raise ShapeError(
            f"the map of valid pixels has shape {valid.shape}",
            f"expected {image.shape[:2]} like the image",
        )


def _fill(image: Image, seen: npt.NDArray[np.bool_]) -> Image:
    """Fill invalid pixels with the mean of the valid ones, which does not affect contrast."""
    filled = image.copy()
    filled[~seen] = image[seen].mean(axis=0).astype(image.dtype)
    return filled
