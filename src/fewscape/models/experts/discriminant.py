"""Linear discriminant analysis."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from fewscape.models.experts.cells import Values, describe_classes, normalise

LEAST_VARIANCE = 1e-4
"""Mean variance within classes, in units of the scene's, at least: classes of equal cells, such as
one cell each, keep a covariance that can be inverted."""


class LinearDiscriminant:
    """Normal distributions with one covariance for all classes, shrunk towards a sphere.

    The covariance is (1 - s) S + s tr(S) / D I, as in Friedman, Regularized Discriminant
    Analysis, JASA 1989, eq. 18, with S the mean of the classes' covariances.

    Args:
        shrinkage: s, 0 to 1. Few polygons want more.
    """

    def __init__(self, shrinkage: float = 0.3) -> None:
        self.shrinkage = shrinkage

    def learn(
        self,
        values: Values,
        classes: npt.NDArray[np.int64],
        num_classes: int,
        weights: npt.NDArray[np.float64] | None = None,
    ) -> Self:
        """See ``Expert``."""
        means, covariances = describe_classes(values, classes, num_classes, weights)
        within: npt.NDArray[np.float64] = covariances.mean(axis=0)
        variance = max(float(np.trace(within)) / len(within), LEAST_VARIANCE)
        shrunk = (1 - self.shrinkage) * within
        shrunk[np.diag_indices_from(shrunk)] += self.shrinkage * variance
        solved = np.linalg.solve(shrunk, means.T)  # (D, K)
        self.weights = solved.astype(np.float32)
        self.offsets = (-0.5 * np.einsum("kd,dk->k", means, solved)).astype(np.float32)
        return self

    def predict(self, values: Values) -> Values:
        """See ``Expert``."""
        return normalise(values @ self.weights + self.offsets)
