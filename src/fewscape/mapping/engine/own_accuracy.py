"""How right a map will be, told by the examples alone: each polygon is judged by all others.

Leave one polygon out: the polygons of each class are dealt into groups, and each group is held out
in turn while the model learns from the rest. What it makes of the held-out polygons gives the rates
at which each class is taken for each other. A sample of the scene tells how much ground each class
has, and both together the intersection over union that the map can be expected to have.

It is an estimate from what people drew. The model that is judged learns from fewer polygons than
the map's, which makes it too low; polygons avoid the difficult borders of objects, which makes it
too high.
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
"""Groups of polygons that are held out in turn, at most."""

LEAST_CELLS = 2_000
"""Cells that a fold learns from if there are so many; more where all folds together still learn
from no more cells than the map."""

HELD_CELLS = 1_500
"""Held-out cells of a fold that are judged, at most, beside one of each polygon."""

SCENE_CELLS = 5_000
"""Cells of the scene that tell the shares of the classes, all folds together."""

NUM_RESAMPLES = 1000
LEVEL = 0.95
SEED = 0

CHUNK_WEIGHTS = 4_000_000
"""Weights of polygons that are in memory at a time."""

TEMPERATURES = 0.5, 3.0
"""Bounds of the temperature."""

PULL = 1e-3
"""Towards a temperature of 1, which is left where nothing speaks for another one."""

DIGITS = 3
"""Of the temperature: machines that sum in another order make the same map."""

ROUNDS = 50
"""Of the iteration that finds the shares of the classes."""

LEAST_RATE = 1e-3
"""Added to the rates where shares are found: no few polygons show that a mistake is impossible."""

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Score:
    """An estimate with its interval of 95 %, all in [0, 1]."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ClassAccuracy:
    """What the examples tell of one class."""

    name: str
    num_polygons: int
    """That teach; a scribble and what counts as one of them, too."""
    num_pixels: int
    """That teach."""
    iou: Score | None
    """Expected of the map; None where a single polygon, or a single class, tells nothing."""


@dataclass(frozen=True, slots=True)
class OwnAccuracy:
    """What the examples tell of the map that is learnt from them."""

    classes: tuple[ClassAccuracy, ...]
    """``background`` first, if it was drawn."""
    confusion: Floats
    """(C, C) rates at which held-out ground of each class (rows) is mapped as each class, every
    polygon counting the same. Nan in the rows of classes with a single polygon."""
    shares: Floats
    """(C,) of the scene that each class covers, estimated; nan where nothing could be held out."""
    mean_iou: Score | None
    """Over the classes that have an estimate."""
    temperature: float
    """By which log probabilities are divided so that they tell how sure to be of them."""
    confused: tuple[str, str] | None
    """The two classes that lose most by being taken for each other; None if none are."""
    agreement: Floats
    """(P,) share of each polygon that is mapped as its class when it is held out; nan for the
    only one of a class. In the order of the polygons' numbers."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What models that did not see them make of P polygons, and of the scene."""

    logs: npt.NDArray[np.float32]
    """(N, C) log probabilities of held-out cells."""
    classes: Numbers
    """(N,) what they are."""
    polygons: Numbers
    """(N,) places among all polygons."""
    scene: npt.NDArray[np.float32]
    """(M, C) log probabilities of cells from all over the scene."""


def estimate_own_accuracy(
    model: PixelModel[Any],
    learnt: SceneCells,
    class_names: Sequence[str],
    threshold: float | None = None,
) -> OwnAccuracy:
    """Judge each polygon by a model that learnt from others.

    Deterministic. Takes about as long as learning once, and a little at least.

    Args:
        model: see ``PixelModel``.
        learnt: the drawn cells, class 0 background and 1 to K the classes.
        class_names: the K classes.
        threshold: of the map, see ``Segmenter``.
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
        none = [ClassAccuracy(*told, None) for told in _tell(names, counts, pixels)]
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
            for told, score in zip(_tell(names, counts, pixels), scores, strict=True)
        ),
        confusion[:, :num_classes],
        shares[0],
        _bound(np.nanmean(ious, axis=1)),
        temperature,
        _find_confused(names, confusion, shares[0]),
        rates[np.arange(len(owners)), owners],
    )


def hold_out(model: PixelModel[Any], cells: Cells, owners: Numbers) -> HeldOut:
    """Deal the polygons into folds; in each, learn from the others and judge the held-out ones.

    Args:
        model: which learns.
        cells: drawn, classes from 0 and polygons from 0 to P - 1; some class has two polygons.
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
    """(P,) the fold in which each polygon is held out, -1 for the only one of its class.

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
    """Some of the cells by chance: as many of each class, and of each polygon of a class.

    Small polygons give everything, and every polygon gives a cell.

    Args:
        cells: drawn cells.
        places: of those to choose from.
        most: how many are wanted.
        generator: the chance.
    """
    order = generator.permutation(places)
    classes, polygons = cells.classes[order], cells.polygons[order]
    turns = _count_earlier(polygons)  # each polygon gives its next cell in each turn
    kept = []
    allowed = most // max(1, len(np.unique(classes)))
    for owner in np.unique(classes).tolist():
        own = np.flatnonzero(classes == owner)
        own = own[np.argsort(turns[own], kind="stable")]
        kept.append(own[: max(allowed, int((turns[own] == 0).sum()))])
    return np.sort(order[np.concatenate(kept)])


def fit_temperature(held: HeldOut) -> float:
    """The temperature with the least log loss on held-out cells, each polygon counting the same.

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
    """What a map is worth that confuses classes at certain rates, from how much it maps as each.

    The shares of the classes in truth are those that make what is mapped most likely (expectation
    maximisation: Saerens, Latinne and Decaestecker, Neural Computation 2002). Then a class of share
    p that is mapped rightly at rate r, among others of shares q mapped as it at rates s, has
    intersection p r and union p + sum of q s.

    Args:
        rates: (..., C, D) of each true class (rows) and mapped class; the D - C last ones are none
            of the classes. Nan in the rows of classes of which nothing is known: they are taken to
            be mapped rightly as often as the others are on average.
        mapped: (D,) shares of what is mapped.

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
    """From log probabilities to the mapped class, the last one being none of them."""

    def __init__(self, temperature: float, threshold: float | None, has_background: bool) -> None:
        self.temperature = temperature
        self.threshold = threshold
        self.has_background = has_background

    def __call__(self, logs: npt.NDArray[np.float32]) -> Numbers:
        """(N, C) to (N,) from 0 to C."""
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
    """Classes and polygons from 0 without gaps."""
    numbers = np.unique(cells.polygons, return_inverse=True)[1]
    return Cells(cells.values, cells.classes - first, numbers.astype(np.int64), cells.scene)


def _find_owners(cells: Cells) -> Numbers:
    """(P,) class of each polygon."""
    _, first = np.unique(cells.polygons, return_index=True)
    owners: Numbers = cells.classes[first]
    return owners


def _count_earlier(numbers: Numbers) -> Numbers:
    """(N,) how often each number occurs before its place.

    The numbers are sorted with their order kept; a place among its equals is what is behind the
    first of them.
    """
    order = np.argsort(numbers, kind="stable")
    ranked = numbers[order]
    first = np.searchsorted(ranked, ranked)
    earlier = np.empty(len(numbers), np.int64)
    earlier[order] = np.arange(len(numbers)) - first
    return earlier


def _find_rates(held: HeldOut, mapped: Numbers, num_polygons: int, num_classes: int) -> Floats:
    """(P, C + 1) shares of each polygon that are mapped as each class; nan if not held out."""
    counts = np.zeros((num_polygons, num_classes + 1))
    np.add.at(counts, (held.polygons, mapped), 1)
    totals = counts.sum(axis=1, keepdims=True)
    return np.where(totals > 0, counts / np.where(totals > 0, totals, 1), np.nan)


def _resample(rates: Floats, owners: Numbers, num_classes: int) -> Floats:
    """(R, C, C + 1) mean rates with polygons weighed anew; nan in rows that are not known.

    Each polygon gets a random weight (the Bayesian bootstrap, Rubin 1981). Few polygons show none
    of the rarer mistakes, hence each class has one more polygon that nobody saw. How much of it is
    right is random, on average as much as of the polygons of all classes, one right and one wrong
    one added (Laplace's rule); the rest is spread over the other classes at random.
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
    """Rates with those of unknown classes: right as often as the known ones, else by chance."""
    num_classes = rates.shape[-2]
    right = np.diagonal(rates, axis1=-2, axis2=-1)  # (..., C)
    mean = np.nanmean(right, axis=-1)[..., None]
    others = np.zeros_like(rates)
    others[..., :num_classes] = ((1 - mean) / max(1, num_classes - 1))[..., None]
    guessed = np.where(np.eye(num_classes, rates.shape[-1]) > 0, mean[..., None], others)
    return np.where(np.isnan(rates), guessed, rates)


def _find_confused(names: Sequence[str], rates: Floats, shares: Floats) -> tuple[str, str] | None:
    """The pair whose confusion costs most of the mean of intersection over union."""
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
    """Of (1 + R,) values, the first of which is the estimate; the interval contains it."""
    low, high = np.quantile(values[1:], ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Score(float(values[0]), float(min(low, values[0])), float(max(high, values[0])))


def _tell(names: Sequence[str], counts: Numbers, pixels: Numbers) -> Iterator[tuple[str, int, int]]:
    """Name, polygons and pixels of each class."""
    return zip(names, counts.tolist(), pixels.tolist(), strict=True)


def _log_sum(logs: Floats) -> Floats:
    """(N, C) to (N,) logarithms of sums of exponentials."""
    most = logs.max(axis=1)
    total: Floats = most + np.log(np.exp(logs - most[:, None]).sum(axis=1))
    return total
