"""Nearest class mean under a metric that was learned on other scenes."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from fewscape.models.experts.cells import Values, describe_classes, normalise


class LearnedMetric:
    """Class means compared after a linear projection; only the means are learned here.

    The log probability of class k is -1/2 |A x - A m_k|^2, normalised over the classes, as in
    prototypical networks (Snell et al., NeurIPS 2017, eq. 2) with a linear embedding A. Few
    polygons tell where a class lies among the features, but hardly which features matter, so A
    comes from scenes that were labelled completely.

    Args:
        projection: A, (E, D), for features scaled over each scene.
    """

    def __init__(self, projection: Values) -> None:
        self.projection = projection

    def learn(
        self,
        values: Values,
        classes: npt.NDArray[np.int64],
        num_classes: int,
        weights: npt.NDArray[np.float64] | None = None,
    ) -> Self:
        """See ``Expert``."""
        means, _ = describe_classes(values, classes, num_classes, weights)
        own = np.ones(len(classes)) if weights is None else weights
        shares = np.bincount(classes, own, minlength=num_classes)
        self._weights = own / np.maximum(shares[classes], np.finfo(np.float64).tiny)
        embedded = means @ self.projection.T.astype(np.float64)  # (K, E)
        self.weights = (embedded @ self.projection).T.astype(np.float32)  # (D, K)
        self.offsets = (-0.5 * (embedded**2).sum(axis=1)).astype(np.float32)
        return self

    def predict(self, values: Values) -> Values:
        """See ``Expert``."""
        return normalise(values @ self.weights + self.offsets)

    def trace(self, cell: Values, values: Values) -> npt.NDArray[np.float64]:
        """How near each of the cells that taught is to another one, see ``Forest.trace``.

        A cell counts exp(-1/2 |A (x - v)|^2), each class as much as any other, so that the shares
        of the classes are about their probabilities.
        """
        gaps = (values - cell) @ self.projection.T
        squares = (gaps.astype(np.float64) ** 2).sum(axis=1)
        near = self._weights * np.exp(0.5 * (squares.min() - squares))
        votes: npt.NDArray[np.float64] = near / near.sum()
        return votes
