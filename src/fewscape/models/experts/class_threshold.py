"""Where a class ends, from scores of cells that are known to be of it and of cells that may be."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fewscape.models.experts.cells import Values

POWER = 3
"""Of the share of the class that is found. 2 is the rule as published; more errs towards finding
all of it, since polygons show less than there is."""

LEAST_SHARE = 0.05
"""Added to the share of the scene that is mapped: smaller classes are no better for it."""

STEPS = 99
"""Quantiles of both scores that are tried."""


def choose_threshold(
    of_class: Values, of_scene: Values, power: float = POWER, least_share: float = LEAST_SHARE
) -> float:
    """The score from which on a cell is of the class, without any cell known not to be.

    Maximises r^p / (m + e) where r is the share of the class's own cells above the threshold and m
    the share of the scene. With p = 2 and e = 0 this is the criterion of Lee and Liu, Learning with
    Positive and Unlabeled Examples Using Weighted Logistic Regression, ICML 2003, section 4: up to
    a factor it is precision times recall, whose order needs no share of the class.

    Args:
        of_class: (N,) of cells of the class that did not teach the scores.
        of_scene: (M,) of cells from all over the scene.
        power: p.
        least_share: e.

    Examples:
        >>> of_scene = np.array([0, 1, 2, 8, 9], np.float32)
        >>> choose_threshold(np.array([7, 8, 9], np.float32), of_scene)
        7.0
    """
    shares = np.linspace(0, 1, STEPS + 2)
    tried = np.concatenate([np.quantile(scores, shares) for scores in (of_class, of_scene)])
    tried = np.unique(np.append(tried, min(of_class.min(), of_scene.min())))
    found, mapped = (count_above(scores, tried) for scores in (of_class, of_scene))
    gains = found**power / (mapped + least_share)
    # Of equal ones the highest, which claims nothing that neither sample shows.
    return float(tried[len(tried) - 1 - gains[::-1].argmax()])


def count_above(scores: Values, thresholds: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Share of scores that reach each of the thresholds, (T,)."""
    below = np.searchsorted(np.sort(scores), thresholds, side="left")
    above: npt.NDArray[np.float64] = 1 - below / len(scores)
    return above
