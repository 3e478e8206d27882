"""One class that was drawn alone: all other ground is unknown, not background."""

from __future__ import annotations

from dataclasses import replace
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt

from fewscape.models.experts.cells import Cells, Values
from fewscape.models.experts.class_threshold import choose_threshold
from fewscape.models.experts.gaussian import Gaussian
from fewscape.models.experts.held_groups import deal_cells

Number = TypeVar("Number", bound=np.generic)

ADDED_VARIANCE = 1.0
"""Of both distributions, in units of the scene's variance: wide, for what polygons do not show."""

MOST_DRAWN, MOST_SCENE = 4000, 8000
"""Cells that teach; of more, every so many-th."""

STEEPNESS = 4.0
"""Log odds that the scores of a scene spread over, as a standard deviation."""


class PositiveUnlabelled:
    """The class's normal distribution against the whole scene's, cut where held-out polygons say.

    The score of a cell is the log ratio of the two densities, which orders cells as the class's
    probability does whatever the share of the class (Elkan and Noto, Learning Classifiers from Only
    Positive and Unlabeled Data, KDD 2008, lemma 1). Each polygon is scored by the others, and
    ``choose_threshold`` finds the score from which on a cell is of the class.

    Args:
        added_variance: see ``Gaussian``.
    """

    threshold: float
    """Of the score."""
    share: float
    """Of the scene that lies above it."""

    def __init__(self, added_variance: float = ADDED_VARIANCE) -> None:
        self.added_variance = added_variance

    def learn(self, cells: Cells) -> Self:
        """Learn from cells of one class, whatever its number, and of the scene."""
        cells = replace(_thin(cells), scene=_skip(cells.scene, MOST_SCENE))
        groups = deal_cells(cells.values, cells.polygons)
        self._cells = cells
        self._ratio = self._learn_ratio(cells)
        of_scene = _score(self._ratio, cells.scene)
        of_class = _score(self._ratio, cells.values)
        for group in range(int(groups.max()) + 1 if groups.max() > 0 else 0):
            is_held = groups == group
            if is_held.any():
                rest = self._learn_ratio(cells.choose(~is_held))
                of_class[is_held] = _score(rest, cells.values[is_held])
        self.threshold = choose_threshold(of_class, of_scene)
        self.share = float((of_scene >= self.threshold).mean())
        self._slope = STEEPNESS / max(float(of_scene.std()), 1.0)
        return self

    def adapt(self, scene: Values) -> PositiveUnlabelled:
        """The same class in another scene of which (M, D) cells, scaled by itself, are known.

        The scores are against that scene, and so is the threshold: where nothing looks like the
        polygons, hardly anything lies above it.
        """
        return PositiveUnlabelled(self.added_variance).learn(replace(self._cells, scene=scene))

    def predict(self, values: Values) -> Values:
        """(N, D) features to (N, 2) log probabilities of not the class and the class."""
        odds = self._slope * (_score(self._ratio, values) - self.threshold)
        logs: Values = -np.logaddexp(0, np.stack([odds, -odds], axis=1)).astype(np.float32)
        return logs

    def _learn_ratio(self, cells: Cells) -> Gaussian:
        classes = np.repeat([0, 1], [len(cells.scene), len(cells.values)])
        values = np.concatenate([cells.scene, cells.values])
        return Gaussian(self.added_variance).learn(values, classes, 2)


def _score(ratio: Gaussian, values: Values) -> Values:
    """(N,) log of the class's density over the scene's."""
    logs = ratio.predict(values)
    difference: Values = logs[:, 1] - logs[:, 0]
    return difference


def _thin(cells: Cells) -> Cells:
    keep = np.zeros(len(cells.values), np.bool_)
    keep[_skip(np.arange(len(keep)), MOST_DRAWN)] = True
    return cells.choose(keep)


def _skip(values: npt.NDArray[Number], most: int) -> npt.NDArray[Number]:
    """Evenly, at most so many of them."""
    return values[:: -(-len(values) // most)]
