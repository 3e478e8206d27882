"""Whether two networks differ, asked on the scores of repeated trainings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.05
POWER = 0.8
"""What a study is commonly planned for."""
LARGEST = 100.0
"""Standard errors that are found even with two pairs."""
EFFECT = 0.01
"""One point of mIoU, the difference whose power is told."""


@dataclass(frozen=True, slots=True)
class RunTest:
    """A paired t-test over trainings; scores lie in [0, 1]."""

    difference: float
    """Mean of the first network's score minus the second's."""
    num_runs: int
    p_value: float | None
    """Two-sided; None for a single pair, or if all differences are the same."""
    power: float | None
    """Chance to find a true difference of one point at the level 0.05, if the differences vary
    as these do; None likewise."""
    detectable: float | None
    """True difference that would be found with a chance of 0.8; None likewise."""


def compare_runs(first: Sequence[float], second: Sequence[float]) -> RunTest:
    """Paired t-test of scores, one a (fold, seed), and what it was able to find.

    Folds differ more than networks do, so scores are paired. With few runs the test finds large
    differences only; therefore its power is part of the result.

    Args:
        first: scores in [0, 1] of one network.
        second: scores of the other, with the same folds and seeds in the same order.
    """
    from scipy.optimize import brentq

    differences = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    number = len(differences)
    mean = float(differences.mean())
    if number < 2 or np.ptp(differences) == 0:
        return RunTest(mean, number, None, None, None)
    error = float(differences.std(ddof=1)) / number**0.5
    power = find_power(EFFECT / error, number)
    ratio = brentq(lambda ratio: find_power(ratio, number) - POWER, 0, LARGEST)
    return RunTest(mean, number, _two_sided(mean / error, number), power, float(ratio * error))


def find_power(ratio: float, number: int) -> float:
    """Chance that a two-sided paired t-test at the level 0.05 finds a true difference.

    Args:
        ratio: the difference by the standard error of its mean.
        number: of pairs, at least 2.

    Examples:
        >>> round(find_power(0.5 * 34**0.5, 34), 2)  # the textbook's 34 pairs for d = 0.5
        0.81
    """
    from scipy.stats import nct, t

    limit = t.ppf(1 - LEVEL / 2, number - 1)
    # Far beyond the limit scipy gives up with nan, where the tails are 1 and 0.
    above = np.nan_to_num(nct.sf(limit, number - 1, ratio), nan=1.0)
    below = np.nan_to_num(nct.cdf(-limit, number - 1, ratio), nan=0.0)
    return float(above + below)


def _two_sided(statistic: float, number: int) -> float:
    from scipy.stats import t

    return float(2 * t.sf(abs(statistic), number - 1))


def interval_of_runs(scores: Sequence[float]) -> tuple[float, float] | None:
    """95 % interval of the mean score over trainings by Student's t; None for a single one."""
    from scipy.stats import t

    if len(scores) < 2:
        return None
    half = t.ppf(1 - LEVEL / 2, len(scores) - 1) * np.std(scores, ddof=1) / len(scores) ** 0.5
    mean = float(np.mean(scores))
    return mean - float(half), mean + float(half)
