"""Where one more example would teach most: unsure, unlike what was drawn, and apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float32]

NOVELTY = 0.5
"""How much unlikeness counts; the rest is how unsure the map is."""

DIMENSIONS = 32
"""Directions of most variance in which likeness is measured; the others are mostly noise."""


@dataclass(frozen=True, slots=True)
class Spots:
    """N small pieces of ground that somebody could draw in."""

    places: npt.NDArray[np.float64]
    """(N, 2) row and column of their centres, pixels."""
    values: Values
    """(N, D) mean features, in units of the scene."""
    unsure: Values
    """(N,) mean entropy of the classes, as a share of the largest possible one."""


@dataclass(frozen=True, slots=True)
class NextPlace:
    """Where to draw, and why."""

    row: float
    col: float
    unsure: float
    """In [0, 1]; see ``Spots``."""
    novelty: float
    """In [0, 1]: share of the spots that are less unlike everything that was drawn."""


def choose_next_places(
    spots: Spots, drawn: Values, count: int, apart: float = 0.0
) -> list[NextPlace]:
    """The best spots, one after the other: each chosen one counts as drawn for the next.

    How unsure the map is and how unlike the drawn ground a spot is are compared by rank.

    Args:
        spots: where one could draw.
        drawn: (P, D) mean features of what was drawn; may be empty, then all ground is new.
        count: how many are wanted.
        apart: pixels between two of them, at least.

    Returns:
        At most ``count``, the best first.
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
    """(C, ...) probabilities to (...) entropy, 1 where all classes are as likely.

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
    """Both in the directions in which the spots vary most."""
    mean = values.mean(axis=0)
    centred = values - mean
    size = min(DIMENSIONS, *centred.shape)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    turn = axes[:size].T
    return centred @ turn, (drawn.reshape(-1, values.shape[1]) - mean) @ turn


def _find_gaps(values: Values, known: Values) -> Values:
    """(N,) distances to the nearest of what is known; the largest number if nothing is."""
    if not len(known):
        return np.full(len(values), np.finfo(np.float32).max, np.float32)
    squares = (values**2).sum(axis=1)[:, None] + (known**2).sum(axis=1) - 2 * values @ known.T
    nearest: Values = np.sqrt(np.maximum(squares.min(axis=1), 0)).astype(np.float32)
    return nearest


def _rank(numbers: Values) -> Values:
    """(N,) shares of the others that are less; equals share theirs."""
    ordered = np.sort(numbers)
    below = np.searchsorted(ordered, numbers, "left")
    above = np.searchsorted(ordered, numbers, "right")
    shares: Values = ((below + above - 1) / 2 / max(1, len(numbers) - 1)).astype(np.float32)
    return shares
