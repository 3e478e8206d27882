"""Paired tests of two networks on the same episodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MIN_CLUSTERS = 2
"""Minimum number of clusters of a group to estimate their variation."""


@dataclass(frozen=True, slots=True)
class PairedTest:
    """A difference of mIoU in [-1, 1], the first network's minus the second's."""

    difference: float
    ci95: tuple[float, float] | None
    """Percentiles 2.5 and 97.5 of the resampled differences; None if a group has only one
    cluster."""
    p_value: float | None
    """Two-sided p value: twice the share of resampled differences with the other sign; None
    likewise."""


@dataclass(frozen=True, slots=True)
class ResampledIou:
    """IoU of G groups, as counted and for D resamples; mean over runs."""

    observed: Floats
    """(G,)"""
    drawn: Floats
    """(G, D); nan for a group with a single cluster."""

    def interval(self, groups: Sequence[int] | None = None) -> tuple[float, float] | None:
        """95 % interval of the mean over some or all groups; None if unknown."""
        mean = self.drawn[slice(None) if groups is None else list(groups)].mean(axis=0)
        return None if np.isnan(mean).any() else _percentiles(mean)


def resample_iou(
    intersection: Integers,
    union: Integers,
    group: Integers,
    cluster: Sequence[str],
    num_resamples: int = 2000,
    seed: int = 0,
) -> ResampledIou:
    """Bootstrap of the IoU over clusters of episodes, stratified by group.

    Episodes of a cluster, such as those with the same query image, are correlated, so they are
    drawn together. The draws depend only on groups, clusters and seed, so networks with the same
    ones are resampled in pairs.

    Args:
        intersection: foreground pixels of each episode, (E,), or (R, E) for several runs, such as
            training seeds; runs are averaged, not resampled.
        union: likewise.
        group: (E,) number of each episode's (data set, class).
        cluster: E cluster names.
        num_resamples: D.
        seed: random seed.

    Returns:
        The IoU of each group by number; 0 without a union.
    """
    rng = np.random.default_rng(seed)
    counts = np.stack([np.atleast_2d(intersection), np.atleast_2d(union)]).astype(np.float64)
    names = np.unique(np.asarray(cluster), return_inverse=True)[1]
    observed, drawn = [], []
    for number in np.unique(group):
        members = group == number
        owner = np.unique(names[members], return_inverse=True)[1]
        size = int(owner.max()) + 1
        sums = counts[..., members] @ np.eye(size)[owner]  # (2, R, clusters)
        times = rng.multinomial(size, np.full(size, 1 / size), num_resamples)  # (D, clusters)
        observed.append(_divide(sums.sum(axis=2)))
        drawn.append(
            _divide(sums @ times.T) if size >= MIN_CLUSTERS else np.full(num_resamples, np.nan)
        )
    return ResampledIou(np.array(observed), np.stack(drawn))


def compare_pair(
    first: tuple[Integers, Integers],
    second: tuple[Integers, Integers],
    group: Integers,
    cluster: Sequence[str],
    num_resamples: int = 2000,
    seed: int = 0,
) -> PairedTest:
    """Paired bootstrap of the difference of mIoU, see ``resample_iou``.

    Both networks use the same draws, so variation between images that affects both cancels out.

    Args:
        first: intersections and unions of the foreground, (E,) or (R, E) each.
        second: likewise for the other network, in the same order.
        group: (E,) number of each episode's (data set, class).
        cluster: E cluster names, such as the query images.
        num_resamples: number of draws.
        seed: random seed.

    Returns:
        The difference of the means over groups; groups without a union count as zero for both.
    """
    own, other = (
        resample_iou(*counts, group, cluster, num_resamples, seed) for counts in (first, second)
    )
    return compare_resampled(own, other)


def compare_resampled(first: ResampledIou, second: ResampledIou) -> PairedTest:
    """The paired test of two networks with the same resamples."""
    difference = float(first.observed.mean() - second.observed.mean())
    differences = (first.drawn - second.drawn).mean(axis=0)
    if np.isnan(differences).any():
        return PairedTest(difference, None, None)
    tail = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    p_value = min(1.0, 2 * (tail + 1) / (len(differences) + 1))
    return PairedTest(difference, _percentiles(differences), p_value)


def adjust_holm(p_values: Sequence[float]) -> list[float]:
    """Adjust the p values of several tests (Holm 1979).

    Examples:
        >>> adjust_holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    stepped = np.maximum.accumulate(np.asarray(p_values, np.float64)[order] * factors)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(stepped, 1)
    return [float(value) for value in adjusted]


def _divide(sums: Floats) -> Floats:
    """IoU (...) of sums (2, R, ...), averaged over runs."""
    iou: Floats = (sums[0] / np.maximum(sums[1], 1)).mean(axis=0)
    return iou


def _percentiles(values: Floats) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975]).tolist()
    return low, high
