"""Overlapping masks as one region map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

MAX_MASKS = 128
"""Masks of an image that the published MGCL keeps."""


def flatten_masks(
    masks: Sequence[npt.NDArray[np.bool_]] | npt.NDArray[np.bool_],
    size: tuple[int, int],
    max_masks: int = MAX_MASKS,
) -> npt.NDArray[np.int32]:
    """Each pixel's smallest mask: ``L(p) = max {i : M_i(p) = 1}``, masks from large to small.

    Of masks of equal area the later one counts as the smaller. If there are more than
    ``max_masks``, the smallest are dropped before (MGCL's rule).

    Args:
        masks: any number of (H, W) masks, also none.
        size: H and W.
        max_masks: how many to keep.

    Returns:
        (H, W) int32 ranks of masks by decreasing area, -1 where no mask lies. A rank whose
        mask is hidden by smaller ones does not occur.

    Examples:
        >>> flatten_masks(np.array([[[0, 1, 0]], [[1, 1, 0]]], bool), (1, 3)).tolist()
        [[0, 1, -1]]
    """
    areas = np.array([np.count_nonzero(mask) for mask in masks])
    ranks = np.full(size, -1, np.int32)
    for rank, index in enumerate(np.argsort(-areas, kind="stable")[:max_masks]):
        ranks[masks[index]] = rank
    return ranks
