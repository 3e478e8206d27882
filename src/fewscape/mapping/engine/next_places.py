"""Where another example would help most: typical of ground that is uncertain and not yet drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float32]

MOST_SPOTS = 2_000
"""Spots that are compared with each other; of more, every so many."""

LEAST_UNSURE = 0.01
"""Added to the uncertainty, so that ground also counts where the map is certain."""

OWN = 0.1
"""How much more a spot counts if the map is completely unsure there: of similar spots, the most
uncertain one is chosen."""

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

    The best spot is the one that brings the uncertain ground closest to an example: the sum, over
    all spots weighted by their uncertainty, of how much nearer in features the nearest example
    gets (facility location). An outlier, such as a mixture of two classes, is near nothing else
    and gains little.

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
    few = np.unique(np.linspace(0, len(spots.places) - 1, MOST_SPOTS).round().astype(int))
    places, unsure = spots.places[few], spots.unsure[few]
    values, known = _reduce(spots.values[few], drawn)
    between = _find_distances(values, values)
    gaps = np.full(len(few), max(float(between.max()), 1.0), np.float32)
    if len(known):
        gaps = _find_distances(values, known).min(axis=1)
    is_free = np.ones(len(few), np.bool_)
    chosen: list[NextPlace] = []
    while is_free.any() and len(chosen) < count:
        gains = (unsure + LEAST_UNSURE) @ np.maximum(gaps[:, None] - between, 0)
        gains *= 1 + OWN * unsure
        best = int(np.where(is_free, gains, -1).argmax())
        row, col = places[best].tolist()
        chosen.append(NextPlace(row, col, float(unsure[best]), float(_rank(gaps)[best])))
        gaps = np.minimum(gaps, between[best])
        distances = np.linalg.norm(places - places[best], axis=1)
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


def _find_distances(values: Values, others: Values) -> Values:
    """(N, D) and (M, D) to (N, M) distances."""
    squares = (values**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * values @ others.T
    found: Values = np.sqrt(np.maximum(squares, 0)).astype(np.float32)
    return found


def _rank(numbers: Values) -> Values:
    """(N,) share of smaller values; ties get their mean."""
    ordered = np.sort(numbers)
    below = np.searchsorted(ordered, numbers, "left")
    above = np.searchsorted(ordered, numbers, "right")
    shares: Values = ((below + above - 1) / 2 / max(1, len(numbers) - 1)).astype(np.float32)
    return shares
