"""Paired tests of two networks over repeated training runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.05
POWER = 0.8
"""The usual power of a study."""
LARGEST = 100.0
"""Standard errors that are detectable even with two pairs."""
EFFECT = 0.01
"""One point of mIoU, the difference whose power is reported."""


@dataclass(frozen=True, slots=True)
class RunTest:
    """A paired t-test over training runs; scores are in [0, 1]."""

    difference: float
    """Mean of the first network's score minus the second's."""
    num_runs: int
    p_value: float | None
    """Two-sided p value; None for a single pair, or if all differences are equal."""
    power: float | None
    """Power to detect a true difference of one point at level 0.05, given this variation; None
    likewise."""
    detectable: float | None
    """True difference that is detected with power 0.8; None likewise."""


def compare_runs(first: Sequence[float], second: Sequence[float]) -> RunTest:
    """Paired t-test of scores per (fold, seed), with its power.

    Folds differ more than networks do, so scores are paired. With few runs the test detects only
    large differences, so its power is part of the result.

    Args:
        first: scores of one network, in [0, 1].
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
    """Power of a two-sided paired t-test at level 0.05.

    Args:
        ratio: true difference divided by the standard error of its mean.
        number: of pairs, at least 2.

    Examples:
        >>> round(find_power(0.5 * 34**0.5, 34), 2)  # the textbook's 34 pairs for d = 0.5
        0.81
    """
    from scipy.stats import nct, t

    limit = t.ppf(1 - LEVEL / 2, number - 1)
    # Far beyond the limit scipy returns nan; the tails there are 1 and 0.
    above = np.nan_to_num(nct.sf(limit, number - 1, ratio), nan=1.0)
    below = np.nan_to_num(nct.cdf(-limit, number - 1, ratio), nan=0.0)
    return float(above + below)


def _two_sided(statistic: float, number: int) -> float:
    from scipy.stats import t

    return float(2 * t.sf(abs(statistic), number - 1))


def interval_of_runs(scores: Sequence[float]) -> tuple[float, float] | None:
    """95 % interval of the mean score over runs by Student's t; None for a single run."""
    from scipy.stats import t

    if len(scores) < 2:
        return None
    half = t.ppf(1 - LEVEL / 2, len(scores) - 1) * np.std(scores, ddof=1) / len(scores) ** 0.5
    mean = float(np.mean(scores))
    return mean - float(half), mean + float(half)
