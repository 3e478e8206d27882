"""What every over-segmentation offers, and the numbering that all share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from fewscape.core import ShapeError

Image = npt.NDArray[np.generic]
"""(H, W, C) pixels; uint8 unless said otherwise."""

Regions = npt.NDArray[np.int32]
"""(H, W) ids: 0 the largest region, -1 none."""

MakeRegions = Callable[[npt.NDArray[np.uint8]], Regions]
"""(H, W, 3) uint8 to (H, W) regions: what whoever only needs them asks for."""


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
    def segment(self, image: Image) -> npt.NDArray[np.integer]:
        """(H, W, C) finite pixels to (H, W) ids in any numbering, negative for none."""

    def __call__(self, image: Image, valid: npt.NDArray[np.bool_] | None = None) -> Regions:
        """The regions of an image.

        Args:
            image: (H, W, C) uint8, any number of bands; other dtypes are taken as they are.
            valid: (H, W), false where there is nothing to see; all true if not given. Pixels
                with a value that is not finite are never valid.

        Returns:
            (H, W) int32: 0 is the largest region, -1 no region, as at all invalid pixels.

        Raises:
            ShapeError: the image does not have three axes, or ``valid`` not its size.
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


def _check(image: Image, valid: npt.NDArray[np.bool_] | None) -> None:
    if image.ndim != 3 or image.size == 0:
        raise ShapeError(
            f"the image to cut into regions has shape {image.shape}",
            "expected (H, W, C) with at least one pixel and one band",
            "put the bands last; a single band needs an axis of its own",
        )
    if valid is not None and valid.shape != image.shape[:2]:
        raise ShapeError(
            f"the map of valid pixels has shape {valid.shape}",
            f"expected {image.shape[:2]} as the image",
        )


def _fill(image: Image, seen: npt.NDArray[np.bool_]) -> Image:
    """The image with its other pixels at the mean of those seen, which leaves contrast alone."""
    filled = image.copy()
    filled[~seen] = image[seen].mean(axis=0).astype(image.dtype)
    return filled
