"""Flatten overlapping masks to one region map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

MAX_MASKS = 128
"""Maximum number of masks per image in the published MGCL."""


def flatten_masks(
    masks: Sequence[npt.NDArray[np.bool_]] | npt.NDArray[np.bool_],
    size: tuple[int, int],
    max_masks: int = MAX_MASKS,
) -> npt.NDArray[np.int32]:
    """Each pixel's smallest mask: ``L(p) = max {i : M_i(p) = 1}``, masks from large to small.

    Among masks of equal area, the later one counts as smaller. If there are more than
    ``max_masks``, the smallest are dropped first (MGCL's rule).

    Args:
        masks: any number of (H, W) masks, possibly none.
        size: H and W.
        max_masks: maximum number of masks.

    Returns:
        (H, W) int32 ranks of masks by decreasing area, -1 for no mask. Ranks of masks hidden by
        smaller ones do not occur.

    Examples:
        >>> flatten_masks(np.array([[[0, 1, 0]], [[1, 1, 0]]], bool), (1, 3)).tolist()
        [[0, 1, -1]]
    """
    areas = np.array([np.count_nonzero(mask) for mask in masks])
    ranks = np.full(size, -1, np.int32)
    for rank, index in enumerate(np.argsort(-areas, kind="stable")[:max_masks]):
        ranks[masks[index]] = rank
    return ranks
