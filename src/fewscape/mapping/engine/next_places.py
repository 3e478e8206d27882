"""Where another example would help most: uncertain, unlike the examples, and far apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float32]

NOVELTY = 0.5
"""Weight of novelty against uncertainty."""

DIMENSIONS = 32
"""Number of principal components in which similarity is measured; the others are mostly noise."""


@dataclass(frozen=True, slots=True)
class Spots:
    """N candidate pieces of ground."""

    places: npt.NDArray[np.float64]
    """(N, 2) rows and columns of their centres, pixels."""
    values: Values
    """(N, D) mean features, in the scaling of the scene."""
    unsure: Values
    """(N,) mean entropy of the classes, as a share of the maximum."""


@dataclass(frozen=True, slots=True)
class NextPlace:
    """Where to draw, and why."""

    row: float
    col: float
    unsure: float
    """In [0, 1]; see ``Spots``."""
    novelty: float
    """In [0, 1]: share of the spots that are closer to something drawn."""


def choose_next_places(
    spots: Spots, drawn: Values, count: int, apart: float = 0.0
) -> list[NextPlace]:
    """Choose the best spots one by one; each chosen spot counts as drawn for the next.

    Uncertainty and novelty are compared by rank.

    Args:
        spots: the candidates.
        drawn: (P, D) mean features of the examples; if empty, all ground is new.
        count: how many to choose.
        apart: minimum distance between two of them, pixels.

    Returns:
        At most ``count``, best first.
    """
    if not len(spots.places):
        return []
    values, known = _reduce(spots.values, drawn)
    gaps = _find_gaps(values, known)
    unsure = _rank(spots.unsure)
    is_free = np.ones(len(values), np.bool_)
    chosen: list[NextPlace] = []
    while is_free.any() and len(chosen) < count:
        novelty = _rank(gaps)
        score = (1 - NOVELTY) * unsure + NOVELTY * novelty
        best = int(np.where(is_free, score, -1).argmax())
        row, col = spots.places[best].tolist()
        chosen.append(NextPlace(row, col, float(spots.unsure[best]), float(novelty[best])))
        gaps = np.minimum(gaps, _find_gaps(values, values[best : best + 1]))
        distances = np.linalg.norm(spots.places - spots.places[best], axis=1)
        is_free &= distances > apart
    return chosen


def measure_unsureness(shares: Values) -> Values:
    """Entropy (...) of probabilities (C, ...); 1 where all classes are equally likely.

    Examples:
        >>> measure_unsureness(np.array([[1.0, 0.5], [0.0, 0.5]], np.float32)).tolist()
        [0.0, 1.0]
    """
    safe = np.where(shares > 0, shares, 1)
    entropy: Values = (-(shares * np.log(safe)).sum(axis=0) / np.log(max(2, len(shares)))).astype(
        np.float32
    )
    return np.abs(entropy)


def _reduce(values: Values, drawn: Values) -> tuple[Values, Values]:
    """Project both onto the principal components of the spots."""
    mean = values.mean(axis=0)
    centred = values - mean
    size = min(DIMENSIONS, *centred.shape)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    turn = axes[:size].T
    return centred @ turn, (drawn.reshape(-1, values.shape[1]) - mean) @ turn


def _find_gaps(values: Values, known: Values) -> Values:
    """(N,) distances to the nearest known spot; the largest float if there is none."""
    if not len(known):
        return np.full(len(values), np.finfo(np.float32).max, np.float32)
    squares = (values**2).sum(axis=1)[:, None] + (known**2).sum(axis=1) - 2 * values @ known.T
    nearest: Values = np.sqrt(np.maximum(squares.min(axis=1), 0)).astype(np.float32)
    return nearest


def _rank(numbers: Values) -> Values:
    """(N,) share of smaller values; ties get their mean."""
    ordered = np.sort(numbers)
    below = np.searchsorted(ordered, numbers, "left")
    above = np.searchsorted(ordered, numbers, "right")
    shares: Values = ((below + above - 1) / 2 / max(1, len(numbers) - 1)).astype(np.float32)
    return shares
