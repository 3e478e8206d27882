"""Groups of the drawn cells of one class that are left out in turn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fewscape.models.experts.cells import Values

MOST_GROUPS = 5
"""Groups that polygons are dealt into."""

PARTS = 3
"""Of a single polygon."""

ROUNDS = 10
"""Of k-means."""


def deal_cells(values: Values, polygons: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Group of each cell, (N,) from 0: polygons stay whole, a single one is split by its looks.

    What a single polygon shows of a class is too uniform, and cells that lie side by side say
    nothing of cells elsewhere. So it is split by k-means (MacQueen 1967): each part is as foreign
    to the others as the polygon allows.

    Args:
        values: (N, D) scaled features.
        polygons: (N,) polygon of each.
    """
    numbers = np.unique(polygons, return_inverse=True)[1]
    if numbers.max() > 0:
        dealt: npt.NDArray[np.int64] = (numbers % MOST_GROUPS).astype(np.int64)
        return dealt
    centres = _spread_out(values)
    groups = np.zeros(len(values), np.int64)
    for _ in range(ROUNDS):
        groups = ((values[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
        centres = np.stack([values[groups == k].mean(axis=0) for k in np.unique(groups)])
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)


def _spread_out(values: Values) -> Values:
    """First centres, (PARTS, D): the mean, then whatever lies farthest from those before."""
    centres: Values = values.mean(axis=0, keepdims=True)
    for _ in range(PARTS - 1):
        distances = ((values[:, None] - centres) ** 2).sum(axis=2).min(axis=1)
        centres = np.concatenate([centres, values[[distances.argmax()]]])
    return centres
