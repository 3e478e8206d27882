"""Bootstrap intervals of scores over episodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class IouIntervals:
    """Lower and upper bounds of IoU in [0, 1]."""

    miou: Floats
    """(2,) bounds of the mean over the groups."""
    per_group: Floats
    """(G, 2) bounds of each group."""


def bootstrap_iou(
    intersection: npt.NDArray[np.int64],
    union: npt.NDArray[np.int64],
    group: npt.NDArray[np.int64],
    num_groups: int,
    num_resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> IouIntervals:
    """Percentile bootstrap over episodes, stratified by group.

    Every resample draws the episodes of each group with replacement, sums their intersections and
    unions, and divides. Groups are fixed in a benchmark and are not resampled.

    Args:
        intersection: (E,) foreground pixels of each episode.
        union: (E,) likewise.
        group: (E,) group numbers below ``num_groups``.
        num_groups: G.
        num_resamples: number of resamples.
        level: share of resamples between the bounds.
        seed: random seed.

    Returns:
        The bounds; nan if a group has no union or fewer than two episodes, and for the mean if a
        group has only one, since its variation is unknown.
    """
    rng = np.random.default_rng(seed)
    scores = np.full((num_groups, num_resamples), np.nan)
    for number in range(num_groups):
        members = np.flatnonzero(group == number)
        if members.size:
            draws = members[rng.integers(members.size, size=(num_resamples, members.size))]
            sums = intersection[draws].sum(axis=1), union[draws].sum(axis=1)
            scores[number] = np.divide(*sums, out=np.full(num_resamples, np.nan), where=sums[1] > 0)
    is_single = np.bincount(group, minlength=num_groups) == 1
    mean = np.full(num_resamples, np.nan) if is_single.any() else _mean_of_known(scores)
    scores[is_single] = np.nan
    return IouIntervals(
        _bounds(mean, level),
        np.array([_bounds(row, level) for row in scores]).reshape(num_groups, 2),
    )


def _mean_of_known(scores: Floats) -> Floats:
    known = np.isfinite(scores)
    count = known.sum(axis=0)
    total = np.where(known, scores, 0).sum(axis=0)
    return _divide(total, count)


def _divide(total: npt.NDArray[Any], count: npt.NDArray[np.int64]) -> Floats:
    quotient = np.full(count.shape, np.nan)
    np.divide(total, count, out=quotient, where=count > 0)
    return quotient


def _bounds(scores: Floats, level: float) -> Floats:
    known = scores[np.isfinite(scores)]
    if not known.size:
        return np.full(2, np.nan)
    tail = (1 - level) / 2
    return np.asarray(np.quantile(known, [tail, 1 - tail]), np.float64)
