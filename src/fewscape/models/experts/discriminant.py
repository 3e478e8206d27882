"""Linear discriminant analysis."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from fewscape.models.experts.cells import Values, normalise


class LinearDiscriminant:
    """Normal distributions with one covariance for all classes, shrunk towards a sphere.

    The covariance is (1 - s) S + s tr(S) / D I, as in Friedman, Regularized Discriminant
    Analysis, JASA 1989, eq. 18, with S the mean of the classes' covariances.

    Args:
        shrinkage: s, 0 to 1. Few polygons want more.
    """

    def __init__(self, shrinkage: float = 0.3) -> None:
        self.shrinkage = shrinkage

    def learn(self, values: Values, classes: npt.NDArray[np.int64], num_classes: int) -> Self:
        """See ``Expert``."""
        groups = [values[classes == k].astype(np.float64) for k in range(num_classes)]
        means = np.stack([group.mean(axis=0) for group in groups])  # (K, D)
        within = sum(
            (group - mean).T @ (group - mean) / max(1, len(group) - 1)
            for group, mean in zip(groups, means, strict=True)
        )
        within = np.asarray(within) / num_classes
        size = len(within)
        sphere = max(float(np.trace(within)) / size, np.finfo(np.float32).tiny) * np.eye(size)
        shrunk = (1 - self.shrinkage) * within + self.shrinkage * sphere
        weights = np.linalg.solve(shrunk, means.T)  # (D, K)
        self.weights = weights.astype(np.float32)
        self.offsets = (-0.5 * np.einsum("kd,dk->k", means, weights)).astype(np.float32)
        return self

    def predict(self, values: Values) -> Values:
        """See ``Expert``."""
        return normalise(values @ self.weights + self.offsets)
