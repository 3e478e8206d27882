"""Estimate a map's accuracy from its examples alone, by cross-validation over polygons.

The polygons of each class are dealt into folds, and each fold is held out while the model learns
from the rest. Its predictions on held-out polygons give the confusion rates between classes. A
sample of the scene gives the share of each class, and both together give the expected intersection
over union of the map.

Two biases remain: the models of the folds learn from fewer polygons than the map's, which makes the
estimate too low; polygons avoid the difficult borders of objects, which makes it too high.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fewscape.mapping.examples.drawn_cells import SceneCells
from fewscape.mapping.examples.reserved_names import BACKGROUND
from fewscape.models import PixelModel
from fewscape.models.experts import Cells

MOST_FOLDS = 5
"""Maximum number of folds."""

LEAST_CELLS = 2_000
"""Cells that a fold learns from, if available; more if all folds together still use no more cells
than the map."""

HELD_CELLS = 1_500
"""Maximum number of held-out cells per fold, besides one per polygon."""

SCENE_CELLS = 5_000
"""Cells of the scene from which class shares are estimated, over all folds."""

NUM_RESAMPLES = 1000
LEVEL = 0.95
SEED = 0

CHUNK_WEIGHTS = 4_000_000
"""Bootstrap weights in memory at a time."""

TEMPERATURES = 0.5, 3.0
"""Bounds of the temperature."""

PULL = 1e-3
"""Regularisation towards a temperature of 1."""

DIGITS = 3
"""Digits of the temperature: rounding makes machines with another order of summation agree."""

ROUNDS = 50
"""Iterations that find the class shares."""

LEAST_RATE = 1e-3
"""Added to the rates when shares are estimated: a few polygons cannot rule out an error."""

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Score:
    """An estimate with its 95 % interval, all in [0, 1]."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ClassAccuracy:
    """The estimated accuracy of one class."""

    name: str
    num_polygons: int
    """Polygons of the class; a scribble or point counts as one."""
    num_pixels: int
    """That teach."""
    iou: Score | None
    """Expected IoU of the map; None for a single polygon or a single class."""


@dataclass(frozen=True, slots=True)
class OwnAccuracy:
    """The accuracy of a map, estimated from its examples."""

    classes: tuple[ClassAccuracy, ...]
    """``background`` first, if it was drawn."""
    confusion: Floats
    """(C, C) rates at which held-out ground of each class (rows) is mapped as each class; polygons
    have equal weight. Nan in the rows of classes with a single polygon."""
    shares: Floats
    """(C,) estimated share of each class in the scene; nan if nothing could be held out."""
    mean_iou: Score | None
    """Mean over the classes with an estimate."""
    temperature: float
    """Divisor of log probabilities that calibrates them."""
    confused: tuple[str, str] | None
    """The two classes whose confusion costs most; None without confusion."""
    agreement: Floats
    """(P,) share of each held-out polygon that is mapped as its class, by polygon number; nan for
    the only polygon of a class."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Predictions of the folds on P held-out polygons and on the scene."""

    logs: npt.NDArray[np.float32]
    """(N, C) log probabilities of held-out cells."""
    classes: Numbers
    """(N,) their classes."""
    polygons: Numbers
    """(N,) their polygon numbers."""
    scene: npt.NDArray[np.float32]
    """(M, C) log probabilities of sampled cells of the scene."""


def estimate_own_accuracy(
    model: PixelModel[Any],
    learnt: SceneCells,
    class_names: Sequence[str],
    threshold: float | None = None,
) -> OwnAccuracy:
    """Estimate the accuracy by cross-validation over polygons.

    Deterministic. Takes about as long as learning once.

    Args:
        model: see ``PixelModel``.
        learnt: the drawn cells; class 0 is background, 1 to K are the classes.
        class_names: the K classes.
        threshold: threshold of the map, see ``Segmenter``.
    """
    has_background = bool((learnt.cells.classes == 0).any())
    names = (BACKGROUND, *class_names) if has_background else tuple(class_names)
    cells = _renumber(learnt.scaled, 0 if has_background else 1)
    num_classes = len(names)
    owners = _find_owners(cells)
    counts = np.bincount(owners, minlength=num_classes)
    pixels = np.bincount(cells.classes, minlength=num_classes) * model.stride**2
    held = hold_out(model, cells, owners) if num_classes > 1 and (counts > 1).any() else None
    if held is None:
        unknown = np.full((num_classes, num_classes), np.nan)
        none = [ClassAccuracy(*told, None) for told in _count_each(names, counts, pixels)]
        return OwnAccuracy(
            tuple(none), unknown, unknown[0], None, 1.0, None, np.full(len(owners), np.nan)
        )
    temperature = fit_temperature(held)
    decide = _Decision(temperature, threshold, has_background)
    rates = _find_rates(held, decide(held.logs), len(owners), num_classes)
    mapped = np.bincount(decide(held.scene), minlength=num_classes + 1) / len(held.scene)
    confusion = np.stack([rates[owners == k].mean(axis=0) for k in range(num_classes)])
    confusion[counts < 2] = np.nan
    draws = _resample(rates, owners, num_classes)
    ious, shares = expect_ious(np.concatenate([confusion[None], draws]), mapped)
    ious[:, counts < 2] = np.nan
    scores = [None if np.isnan(of[0]) else _bound(of) for of in ious.T]
    return OwnAccuracy(
        tuple(
            ClassAccuracy(*told, score)
            for told, score in zip(_count_each(names, counts, pixels), scores, strict=True)
        ),
        confusion[:, :num_classes],
        shares[0],
        _bound(np.nanmean(ious, axis=1)),
        temperature,
        _find_confused(names, confusion, shares[0]),
        rates[np.arange(len(owners)), owners],
    )


def hold_out(model: PixelModel[Any], cells: Cells, owners: Numbers) -> HeldOut:
    """Deal the polygons into folds; in each, learn from the rest and predict the held-out ones.

    Args:
        model: the model.
        cells: drawn cells with classes from 0 and polygons from 0 to P - 1; at least one class has
            two polygons.
        owners: (P,) class of each polygon.
    """
    folds = deal(owners)
    num_folds = int(folds.max()) + 1
    generator = np.random.default_rng(SEED)
    most = max(LEAST_CELLS, len(cells.classes) // num_folds)
    sample = cells.scene[:: max(1, len(cells.scene) // SCENE_CELLS)]
    parts: list[tuple[npt.NDArray[np.float32], Numbers]] = []
    scene = []
    for fold in range(num_folds):
        is_held = folds[cells.polygons] == fold
        rest = np.flatnonzero(~is_held)
        teaching = np.zeros(len(is_held), np.bool_)
        teaching[thin_out(cells, rest, most, generator)] = True
        support = model.learn(replace(cells.choose(teaching), scene=sample))
        judged = thin_out(cells, np.flatnonzero(is_held), HELD_CELLS, generator)
        parts.append((model.predict_cells(cells.values[judged], support), judged))
        scene.append(model.predict_cells(sample[fold::num_folds], support))
    logs, places = (np.concatenate(part) for part in zip(*parts, strict=True))
    return HeldOut(logs, cells.classes[places], cells.polygons[places], np.concatenate(scene))


def deal(owners: Numbers) -> Numbers:
    """(P,) fold in which each polygon is held out, -1 for the only one of its class.

    Args:
        owners: (P,) class of each polygon.

    Examples:
        >>> deal(np.array([0, 0, 1, 2, 2, 2])).tolist()
        [1, 0, -1, 2, 0, 1]
    """
    generator = np.random.default_rng(SEED)
    folds = np.full(len(owners), -1)
    for owner in np.unique(owners).tolist():
        own = np.flatnonzero(owners == owner)
        if len(own) > 1:
            folds[generator.permutation(own)] = np.arange(len(own)) % min(MOST_FOLDS, len(own))
    return folds


def thin_out(cells: Cells, places: Numbers, most: int, generator: np.random.Generator) -> Numbers:
    """Sample cells at random, equally from each class and from each polygon of a class.

    Small polygons give all their cells, and every polygon gives at least one.

    Args:
        cells: drawn cells.
        places: indices of the cells to choose from.
        most: number of cells to choose.
        generator: random generator.
    """
    order = generator.permutation(places)
    classes, polygons = cells.classes[order], cells.polygons[order]
    turns = _count_earlier(polygons)  # each round takes the next cell of each polygon
    kept = []
    allowed = most // max(1, len(np.unique(classes)))
    for owner in np.unique(classes).tolist():
        own = np.flatnonzero(classes == owner)
        own = own[np.argsort(turns[own], kind="stable")]
        kept.append(own[: max(allowed, int((turns[own] == 0).sum()))])
    return np.sort(order[np.concatenate(kept)])


def fit_temperature(held: HeldOut) -> float:
    """Fit the temperature with the least log loss on held-out cells; polygons have equal weight.

    Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 4.2.
    """
    from scipy.optimize import minimize_scalar

    sizes = np.bincount(held.polygons)
    weights = 1 / sizes[held.polygons]
    weights /= weights.sum()
    logs = held.logs.astype(np.float64)

    def find_loss(log_temperature: float) -> float:
        scaled = logs * np.exp(-log_temperature)
        own = scaled[np.arange(len(scaled)), held.classes]
        return float(weights @ (_log_sum(scaled) - own)) + PULL * log_temperature**2

    found = minimize_scalar(find_loss, bounds=np.log(TEMPERATURES), method="bounded")
    return round(float(np.exp(found.x)), DIGITS)


def expect_ious(rates: Floats, mapped: Floats) -> tuple[Floats, Floats]:
    """Expected IoU of a map from its confusion rates and the mapped share of each class.

    The true class shares are the maximum likelihood estimate given the mapped shares (expectation
    maximisation: Saerens, Latinne and Decaestecker, Neural Computation 2002). A class of share p
    that is mapped correctly at rate r, while other classes of shares q are mapped as it at rates s,
    has the intersection p r and the union p + sum of q s.

    Args:
        rates: (..., C, D) rates of each true class (rows) and mapped value; the last D - C values
            are not classes. Rows of unknown classes are nan: they are assumed to be as accurate as
            the others on average.
        mapped: (D,) mapped shares.

    Returns:
        (..., C) expected intersection over union, and (..., C) shares.

    Examples:
        >>> ious, shares = expect_ious(np.array([[0.9, 0.1], [0.0, 1.0]]), np.array([0.45, 0.55]))
        >>> ious.round(2).tolist(), shares.round(2).tolist()
        ([0.9, 0.91], [0.5, 0.5])
    """
    known = _fill(rates)
    num_classes = known.shape[-2]
    likely = known + LEAST_RATE
    likely /= likely.sum(axis=-1, keepdims=True)
    shares = np.full((*known.shape[:-2], num_classes), 1 / num_classes)
    for _ in range(ROUNDS):
        joint = shares[..., None] * likely  # (..., C, D)
        shares = (joint / joint.sum(axis=-2, keepdims=True)) @ mapped
    joint = shares[..., None] * known
    right = np.diagonal(joint, axis1=-2, axis2=-1)
    unions = shares + joint.sum(axis=-2)[..., :num_classes] - right
    return np.where(unions > 0, right / np.where(unions > 0, unions, 1), 0.0), shares


class _Decision:
    """From log probabilities to mapped values; the last value is no class."""

    def __init__(self, temperature: float, threshold: float | None, has_background: bool) -> None:
        self.temperature = temperature
        self.threshold = threshold
        self.has_background = has_background

    def __call__(self, logs: npt.NDArray[np.float32]) -> Numbers:
        """Map log probabilities (N, C) to values (N,) from 0 to C."""
        if self.threshold is None:
            best_of_all: Numbers = logs.argmax(axis=1)
            return best_of_all
        scaled = logs.astype(np.float64) / self.temperature
        probabilities = np.exp(scaled - _log_sum(scaled)[:, None])
        first = int(self.has_background)
        best = probabilities[:, first:].argmax(axis=1) + first
        other = 0 if self.has_background else logs.shape[1]
        is_sure = probabilities[:, first:].max(axis=1) >= self.threshold
        return np.where(is_sure, best, other)


def _renumber(cells: Cells, first: int) -> Cells:
    """Renumber classes and polygons from 0 without gaps."""
    numbers = np.unique(cells.polygons, return_inverse=True)[1]
    return Cells(cells.values, cells.classes - first, numbers.astype(np.int64), cells.scene)


def _find_owners(cells: Cells) -> Numbers:
    """(P,) class of each polygon."""
    _, first = np.unique(cells.polygons, return_index=True)
    owners: Numbers = cells.classes[first]
    return owners


def _count_earlier(numbers: Numbers) -> Numbers:
    """(N,) number of earlier occurrences of each value.

    After a stable sort, the rank among equals is the distance from the first of them.
    """
    order = np.argsort(numbers, kind="stable")
    ranked = numbers[order]
    first = np.searchsorted(ranked, ranked)
    earlier = np.empty(len(numbers), np.int64)
    earlier[order] = np.arange(len(numbers)) - first
    return earlier


def _find_rates(held: HeldOut, mapped: Numbers, num_polygons: int, num_classes: int) -> Floats:
    """(P, C + 1) share of each polygon that is mapped as each value; nan if not held out."""
    counts = np.zeros((num_polygons, num_classes + 1))
    np.add.at(counts, (held.polygons, mapped), 1)
    totals = counts.sum(axis=1, keepdims=True)
    return np.where(totals > 0, counts / np.where(totals > 0, totals, 1), np.nan)


def _resample(rates: Floats, owners: Numbers, num_classes: int) -> Floats:
    """(R, C, C + 1) mean rates of bootstrap samples; nan in unknown rows.

    Each polygon gets a random weight (Bayesian bootstrap, Rubin 1981). Few polygons miss the rarer
    errors, so each class gets one more, unseen polygon. Its accuracy is random, with the mean of
    the polygons of all classes after adding one right and one wrong one (Laplace's rule); its
    errors are spread over the other classes at random.
    """
    generator = np.random.default_rng(SEED)
    draws = np.full((NUM_RESAMPLES, num_classes, rates.shape[1]), np.nan)
    is_held = ~np.isnan(rates[:, 0])
    right = rates[is_held, owners[is_held]]
    mean = (right.sum() + 1) / (len(right) + 2)
    for owner in range(num_classes):
        own = rates[owners == owner]
        if len(own) < 2:
            continue
        unseen = generator.dirichlet(np.full(num_classes, 1 / num_classes), NUM_RESAMPLES)
        unseen[:, owner] = 0
        unseen /= np.maximum(unseen.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        is_right = generator.beta(mean, 1 - mean, NUM_RESAMPLES)
        unseen *= 1 - is_right[:, None]
        unseen[:, owner] = 1 - unseen.sum(axis=1)
        unseen *= generator.standard_exponential((NUM_RESAMPLES, 1))
        step = max(1, CHUNK_WEIGHTS // len(own))
        for first in range(0, NUM_RESAMPLES, step):
            part = slice(first, min(first + step, NUM_RESAMPLES))
            weights = generator.standard_exponential((part.stop - first, len(own)))
            sums = weights @ own
            sums[:, :num_classes] += unseen[part]
            draws[part, owner] = sums / sums.sum(axis=1, keepdims=True)
    return draws


def _fill(rates: Floats) -> Floats:
    """Fill the rates of unknown classes: as accurate as the known ones, with random errors."""
    num_classes = rates.shape[-2]
    right = np.diagonal(rates, axis1=-2, axis2=-1)  # (..., C)
    mean = np.nanmean(right, axis=-1)[..., None]
    others = np.zeros_like(rates)
    others[..., :num_classes] = ((1 - mean) / max(1, num_classes - 1))[..., None]
    guessed = np.where(np.eye(num_classes, rates.shape[-1]) > 0, mean[..., None], others)
    return np.where(np.isnan(rates), guessed, rates)


def _find_confused(names: Sequence[str], rates: Floats, shares: Floats) -> tuple[str, str] | None:
    """The pair of classes whose confusion costs most mean IoU."""
    num_classes = len(names)
    joint = shares[:, None] * _fill(rates)[:, :num_classes]
    unions = shares + joint.sum(axis=0) - np.diagonal(joint)
    mixed = joint + joint.T
    np.fill_diagonal(mixed, 0)
    is_guess = np.isnan(rates[:, 0])
    mixed[is_guess[:, None] & is_guess] = 0
    costs = mixed / np.maximum(unions, LEAST_RATE)
    costs += costs.T
    one, other = (int(place) for place in np.unravel_index(costs.argmax(), costs.shape))
    return (names[one], names[other]) if costs[one, other] > LEAST_RATE else None


def _bound(values: Floats) -> Score:
    """Score of (1 + R,) values, the first being the estimate; the interval contains it."""
    low, high = np.quantile(values[1:], ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Score(float(values[0]), float(min(low, values[0])), float(max(high, values[0])))


def _count_each(
    names: Sequence[str], counts: Numbers, pixels: Numbers
) -> Iterator[tuple[str, int, int]]:
    """Name, polygons and pixels of each class."""
    return zip(names, counts.tolist(), pixels.tolist(), strict=True)


def _log_sum(logs: Floats) -> Floats:
    """Log-sum-exp over classes, (N, C) to (N,)."""
    most = logs.max(axis=1)
    total: Floats = most + np.log(np.exp(logs - most[:, None]).sum(axis=1))
    return total
