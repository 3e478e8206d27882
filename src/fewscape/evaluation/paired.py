"""Whether two networks differ, asked on the episodes that both have seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

MIN_IMAGES = 2
"""Query images of a group from which their variation can be estimated."""


@dataclass(frozen=True, slots=True)
class PairedTest:
    """A difference of mIoU in [-1, 1], the first network's minus the second's."""

    difference: float
    ci95: tuple[float, float] | None
    """Percentiles 2.5 and 97.5 of the resampled differences; None where a group has only one
    query image, which says nothing of how images vary."""
    p_value: float | None
    """Two-sided: how often the resampled difference has the other sign, twice; None likewise."""


def compare_pair(
    first: tuple[Integers, Integers],
    second: tuple[Integers, Integers],
    group: Integers,
    cluster: Sequence[str],
    num_resamples: int = 2000,
    seed: int = 0,
) -> PairedTest:
    """Paired bootstrap over query images, stratified by group.

    Episodes with the same query image are alike, so they are drawn together. Both networks are
    summed over the same draws, and what varies from image to image for both cancels out.

    Args:
        first: intersections and unions of the foreground, (E,) each.
        second: likewise of the other network, in the same order.
        group: (E,) number of each episode's (data set, class).
        cluster: E names of the query images.
        num_resamples: how many draws.
        seed: of the draws.

    Returns:
        The difference of the means over groups; groups without a union count as zero for both.
    """
    rng = np.random.default_rng(seed)
    counts = np.stack([*first, *second]).astype(np.float64)  # (4, E)
    names = np.unique(np.asarray(cluster), return_inverse=True)[1]
    drawn, observed = [], []
    fewest = len(names)
    for number in np.unique(group):
        members = group == number
        owner = np.unique(names[members], return_inverse=True)[1]
        parts = [np.bincount(owner, row) for row in counts[:, members]]
        sums = np.stack(parts).astype(np.float64)  # (4, clusters)
        size = sums.shape[1]
        fewest = min(fewest, size)
        times = rng.multinomial(size, np.full(size, 1 / size), num_resamples)  # (draws, clusters)
        drawn.append(_subtract(sums @ times.T))
        observed.append(float(_subtract(sums.sum(axis=1, keepdims=True))[0]))
    difference = float(np.mean(observed))
    if fewest < MIN_IMAGES:
        return PairedTest(difference, None, None)
    differences = np.mean(drawn, axis=0)
    low, high = np.quantile(differences, [0.025, 0.975]).tolist()
    tail = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    p_value = min(1.0, 2 * (tail + 1) / (num_resamples + 1))
    return PairedTest(difference, (low, high), p_value)


def adjust_holm(p_values: Sequence[float]) -> list[float]:
    """P values of several tests, adjusted so that all hold together (Holm 1979).

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


def _subtract(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Difference of the two IoU from (4, D) sums."""
    safe = np.maximum(sums[[1, 3]], 1)
    first, second = sums[[0, 2]] / safe
    difference: npt.NDArray[np.float64] = first - second
    return difference
