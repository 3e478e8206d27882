"""Forests of decision trees."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from fewscape.models.experts.cells import Values

SEED = 0
"""Of the trees' chance: the same cells give the same forest."""

LEAST = 1e-3
"""Added to probabilities before the logarithm: no forest of this size knows that a class is
impossible."""

THREADS = 2
"""That grow trees, and that ask all of them about a part of the cells each: their probabilities
are added in one order."""


class Forest:
    """A forest of scikit-learn, classes weighted as if each had as many cells.

    Args:
        kind: ``random`` (Breiman, Machine Learning 2001) or ``extremely_randomised`` (Geurts et
            al., Machine Learning 2006).
        num_trees: more are steadier and slower.
        least_leaf: cells in a leaf at least.
    """

    def __init__(
        self,
        kind: Literal["random", "extremely_randomised"] = "extremely_randomised",
        num_trees: int = 100,
        least_leaf: int = 2,
    ) -> None:
        self.kind = kind
        self.num_trees = num_trees
        self.least_leaf = least_leaf

    def learn(
        self,
        values: Values,
        classes: npt.NDArray[np.int64],
        num_classes: int,
        weights: npt.NDArray[np.float64] | None = None,
    ) -> Self:
        """See ``Expert``."""
        from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

        # Balanced: each class weighs as much; the trees see which classes there are.
        shares = np.bincount(classes, weights, minlength=num_classes)[classes]
        own = np.ones(len(classes)) if weights is None else weights
        self._weights = own / np.maximum(shares, np.finfo(np.float64).tiny)
        kinds = {"random": RandomForestClassifier, "extremely_randomised": ExtraTreesClassifier}
        self.trees = kinds[self.kind](
            self.num_trees,
            min_samples_leaf=self.least_leaf,
            class_weight="balanced",
            n_jobs=THREADS,
            random_state=SEED,
        ).fit(values, classes, sample_weight=weights)
        return self

    def predict(self, values: Values) -> Values:
        """See ``Expert``."""
        with ThreadPoolExecutor(THREADS) as pool:
            parts = pool.map(self._count_votes, np.array_split(values, THREADS))
        shares = np.concatenate(list(parts)) + LEAST
        logs: Values = np.log(shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
        return logs

    def _count_votes(self, values: Values) -> npt.NDArray[np.float64]:
        """(N, K) probabilities, those of ``predict_proba``, whose jobs cost time of their own."""
        plain = np.ascontiguousarray(values, np.float32)
        votes: npt.NDArray[np.float64] = sum(
            tree.tree_.predict(plain) for tree in self.trees.estimators_
        )
        return votes / len(self.trees.estimators_)

    def trace(self, cell: Values, values: Values) -> npt.NDArray[np.float64]:
        """How much each of the cells that taught the trees decides about another one.

        In each tree the cells of the leaf in which the new one lands share one vote (Meinshausen,
        Quantile Regression Forests, JMLR 2006, eq. 4), here by their weights, as classes with few
        cells count as much as others.

        Args:
            cell: (D,) features.
            values: (N, D) features of the cells that taught, in the order in which they did.

        Returns:
            (N,) votes, which add up to 1.
        """
        leaves = self.trees.apply(values)
        weights = self._weights[:, None] * (leaves == self.trees.apply(cell[None]))
        totals = weights.sum(axis=0)
        votes: npt.NDArray[np.float64] = (weights / np.where(totals > 0, totals, 1)).mean(axis=1)
        return votes
