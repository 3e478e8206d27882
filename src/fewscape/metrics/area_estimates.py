"""Accuracy and class areas of a map, estimated from checked ground.

Three kinds of numbers come from the same counts:

* **Agreement on the checked pixels**: ``score_agreement`` of the counts. It describes only the
  checked polygons.
* **Estimates for the whole map**: ``estimate_areas``, the stratified estimator of Olofsson et al.
  2014 (Remote Sensing of Environment 148, 42-57). The strata are the mapped classes. It is unbiased
  if the checked ground is a random sample inside each stratum; polygons drawn where objects are
  easy to see are not, and no formula corrects that. Its standard errors assume independent samples,
  which holds for points but not for the pixels of one polygon.
* **Intervals**: ``bootstrap_polygons``, a bootstrap over whole polygons, so that a polygon counts
  once whatever its size. They rest on the same assumption about the sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fewscape.core import ShapeError

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NUM_RESAMPLES = 1000
LEVEL = 0.95
SEED = 0

CHUNK_WEIGHTS = 4_000_000
"""Bootstrap weights in memory at a time."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Scores in [0, 1], float64; nan for empty denominators."""

    iou: Floats
    """(..., K) IoU of each class."""
    users: Floats
    """(..., K) share of the pixels mapped as a class that are correct: precision."""
    producers: Floats
    """(..., K) share of a class that is mapped correctly: recall."""
    overall: Floats
    """(...) share of correct pixels over all classes."""


@dataclass(frozen=True, slots=True)
class AreaEstimates:
    """Estimates for a whole map, float64, or their standard errors."""

    users: Floats
    """(K,)."""
    producers: Floats
    """(K,)."""
    overall: float
    areas: Floats
    """(K,) true area of each class, in the unit of the mapped areas."""


@dataclass(frozen=True, slots=True)
class PolygonCounts:
    """The mapped pixels of P checked polygons."""

    pixels: Counts
    """(P, K) pixels of each polygon by mapped class; no polygon is empty."""
    classes: npt.NDArray[np.int64]
    """(P,) true classes of the polygons, from 0 to K - 1."""

    @property
    def matrix(self) -> Counts:
        """(K, K) pixels of each mapped (rows) and true class (columns)."""
        num = self.pixels.shape[1]
        matrix = np.zeros((num, num), np.int64)
        np.add.at(matrix.T, self.classes, self.pixels)
        return matrix

    @property
    def mostly(self) -> npt.NDArray[np.int64]:
        """(P,) the mapped class that covers most of each polygon: its stratum."""
        found: npt.NDArray[np.int64] = self.pixels.argmax(axis=1)
        return found


@dataclass(frozen=True, slots=True)
class Intervals:
    """Lower and upper bounds of scores and areas; nan if unknown."""

    users: Floats
    """(K, 2)."""
    producers: Floats
    """(K, 2)."""
    iou: Floats
    """(K, 2)."""
    overall: Floats
    """(2,)."""
    areas: Floats
    """(K, 2) areas in the unit of the mapped areas."""


def score_agreement(counts: Counts | Floats) -> Agreement:
    """Scores from counts or area shares.

    Args:
        counts: (..., K, K), rows the map, columns the truth.

    Examples:
        >>> scores = score_agreement(np.array([[2, 1], [0, 1]]))
        >>> scores.iou.round(3).tolist(), float(scores.overall)
        ([0.667, 0.5], 0.75)
    """
    values = np.asarray(counts, np.float64)
    right = np.diagonal(values, axis1=-2, axis2=-1)
    mapped, true = values.sum(axis=-1), values.sum(axis=-2)
    return Agreement(
        iou=_divide(right, mapped + true - right),
        users=_divide(right, mapped),
        producers=_divide(right, true),
        overall=_divide(right.sum(axis=-1), values.sum(axis=(-2, -1))),
    )


def weigh_by_area(counts: Counts | Floats, mapped: Counts | Floats) -> Floats:
    """Share of the total area per mapped and true class (Olofsson et al. 2014, eq. 4).

    Args:
        counts: (..., K, K) samples, rows the map, columns the truth.
        mapped: (K,) area or pixels of each mapped class.

    Returns:
        (..., K, K), W_i n_ij / n_i. with sum 1. A class that is not mapped has zeros; the row of a
        mapped class without samples is nan, since its truth is unknown.

    Raises:
        ShapeError: the shapes do not fit together.

    Examples:
        >>> weigh_by_area(np.array([[3, 1], [0, 2]]), np.array([25, 75])).tolist()
        [[0.1875, 0.0625], [0.0, 0.75]]
    """
    _check(counts, mapped)
    weights = mapped / mapped.sum()
    samples = np.asarray(counts, np.float64)
    shares = weights[:, None] * _divide(samples, samples.sum(axis=-1, keepdims=True))
    return np.where(weights[:, None] > 0, shares, 0.0)


def estimate_areas(counts: Counts, mapped: Counts | Floats) -> AreaEstimates:
    """Estimate accuracies and true areas of a whole map with the stratified estimator.

    Olofsson et al. 2014, eq. 1 to 4 and 9; the module docstring states the assumptions.

    Args:
        counts: (K, K) samples, rows the map, columns the truth.
        mapped: (K,) area or pixels of each mapped class.

    Returns:
        nan for everything that depends on a mapped class without samples.

    Raises:
        ShapeError: the shapes do not fit together.

    Examples:
        >>> estimate_areas(np.array([[3, 1], [0, 2]]), np.array([25, 75])).areas.tolist()
        [18.75, 81.25]
    """
    shares = weigh_by_area(counts, mapped)
    scores = score_agreement(shares)
    users = score_agreement(counts).users  # known even for a class that is not mapped elsewhere
    areas = shares.sum(axis=0) * mapped.sum()
    return AreaEstimates(users, scores.producers, float(scores.overall), areas)


def find_standard_errors(counts: Counts, mapped: Counts | Floats) -> AreaEstimates:
    """Standard errors of ``estimate_areas``; 1.96 of them make a margin of 95 %.

    Olofsson et al. 2014, eq. 5 to 7, 10 and 11. They hold for independent samples, such as one
    point each; for polygons see ``bootstrap_polygons``.

    Args:
        counts: (K, K) samples, rows the map, columns the truth.
        mapped: (K,) area or pixels of each mapped class.

    Returns:
        nan for everything that depends on a mapped class with fewer than two samples.

    Raises:
        ShapeError: the shapes do not fit together.

    Examples:
        >>> errors = find_standard_errors(np.array([[3, 1], [0, 2]]), np.array([20, 80]))
        >>> errors.areas.tolist(), errors.overall
        ([5.0, 5.0], 0.05)
    """
    _check(counts, mapped)
    samples = counts.sum(axis=1)
    spread = np.where(samples > 1, samples - 1.0, np.nan)[:, None]
    within = _divide(counts, samples[:, None])
    variance = within * (1 - within) / spread  # (K, K) of n_ij / n_i.
    areas = np.asarray(mapped, np.float64)[:, None]
    scaled = np.where(areas > 0, areas**2 * variance, 0.0)  # of the area in each cell
    own = np.diagonal(scaled)
    shares = weigh_by_area(counts, mapped)
    producers = score_agreement(shares).producers
    other = scaled.sum(axis=0) - own
    true = shares.sum(axis=0) * areas.sum()
    of_producers = _divide((1 - producers) ** 2 * own + producers**2 * other, true**2)
    return AreaEstimates(
        users=np.sqrt(np.diagonal(variance)),
        producers=np.sqrt(of_producers),
        overall=float(np.sqrt(own.sum()) / areas.sum()),
        areas=np.sqrt(scaled.sum(axis=0)),
    )


def bootstrap_polygons(
    polygons: PolygonCounts,
    mapped: Counts | Floats | None = None,
    num_resamples: int = NUM_RESAMPLES,
    level: float = LEVEL,
    seed: int = SEED,
) -> Intervals:
    """Bootstrap intervals over polygons, for the whole map or the checked pixels.

    The sampling units are polygons, not pixels. In every resample each polygon gets a random weight
    (Bayesian bootstrap, Rubin 1981). A few polygons miss the rarer errors, and resampling alone
    would call them impossible: with 5 polygons per class, 95 % bounds held in about half of
    simulated cases. So each stratum gets one more polygon of mean size and unknown class, whose
    weight is spread over the K classes at random (a Dirichlet prior of 1 / K each). With 3 to 100
    polygons per class, the bounds of the areas then held in 90 to 100 % of the cases.

    Args:
        polygons: the counts.
        mapped: (K,) area or pixels of each mapped class. If given, scores and areas are those of
            the whole map, and the stratum of a polygon is its most frequent mapped class. Otherwise
            they are those of the checked pixels, and the strata are the true classes.
        num_resamples: number of resamples.
        level: share of resamples between the bounds.
        seed: random seed; the same polygons always give the same bounds.

    Returns:
        The bounds, which always contain the estimate. All are nan if there is no polygon, or if a
        mapped class has no polygon; bounds of nan scores are nan.

    Raises:
        ShapeError: the shapes do not fit together.
    """
    num_classes = polygons.pixels.shape[1]
    strata = polygons.classes if mapped is None else polygons.mostly
    sizes = np.bincount(strata, minlength=num_classes)
    if mapped is not None:
        _check(polygons.matrix, mapped)
    lacking = np.zeros(num_classes, bool) if mapped is None else (sizes == 0) & (mapped > 0)
    if not len(strata) or lacking.any():
        unknown = np.full((num_classes, 2), np.nan)
        return Intervals(unknown, unknown, unknown, unknown[0], unknown)
    draws = _resample(polygons, strata, num_resamples, seed, by_truth=mapped is None)
    counts = np.concatenate([polygons.matrix[None].astype(np.float64), draws])  # (1 + R, K, K)
    weighed = counts if mapped is None else weigh_by_area(counts, mapped)
    scores = score_agreement(weighed)
    users = score_agreement(counts).users  # known even for a class that is not mapped elsewhere
    areas = weighed.sum(axis=-2) * (1 if mapped is None else mapped.sum())
    return Intervals(
        _bound(users, level),
        _bound(scores.producers, level),
        _bound(scores.iou, level),
        _bound(scores.overall[:, None], level)[0],
        _bound(areas, level),
    )


def _resample(
    polygons: PolygonCounts,
    strata: npt.NDArray[np.int64],
    num_resamples: int,
    seed: int,
    by_truth: bool,
) -> Floats:
    """(R, K, K) counts of the resamples, rows the map; strata are true or mapped classes."""
    rng = np.random.default_rng(seed)
    num_classes = polygons.pixels.shape[1]
    counts = np.zeros((num_resamples, num_classes, num_classes))
    for stratum in np.unique(strata).tolist():
        members = np.flatnonzero(strata == stratum)
        pixels, classes = polygons.pixels[members].astype(np.float64), polygons.classes[members]
        num = len(members)
        mean = pixels.sum() / num
        unseen = mean * rng.standard_gamma(1 / num_classes, (num_resamples, num_classes))
        cells = (slice(None), stratum) if by_truth else (stratum, slice(None))
        counts[:, *cells] += unseen
        step = max(1, CHUNK_WEIGHTS // num)
        for first in range(0, num_resamples, step):
            part = slice(first, min(first + step, num_resamples))
            weights = rng.standard_exponential((part.stop - first, num))
            for number in np.unique(classes).tolist():
                own = classes == number
                counts[part, :, number] += weights[:, own] @ pixels[own]
    return counts


def _bound(values: Floats, level: float) -> Floats:
    """(K, 2) bounds of (1 + R, K) values, the first of which is the estimate; nan where that is."""
    ends = (1 - level) / 2, (1 + level) / 2
    bounds = np.full((values.shape[1], 2), np.nan)
    for number in np.flatnonzero(~np.isnan(values[0])).tolist():
        estimate = values[0, number]
        low, high = np.nanquantile(values[1:, number], ends)
        bounds[number] = min(low, estimate), max(high, estimate)
    return bounds


def _divide(above: Counts | Floats, below: Counts | Floats) -> Floats:
    """Quotients, nan for empty denominators."""
    with np.errstate(invalid="ignore", divide="ignore"):
        quotients: Floats = np.where(below == 0, np.nan, above / below)
    return quotients


def _check(counts: Counts | Floats, mapped: Counts | Floats) -> None:
    num = len(mapped)
    if counts.shape[-2:] != (num, num):
        raise ShapeError(
            f"counts of shape {counts.shape} were given with the areas of {num} mapped classes",
            f"expected ({num}, {num}): rows the map, columns the truth",
            "count classes that were never checked or never mapped as zeros",
        )
