"""Linear discriminant analysis that knows beforehand how classes vary."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from fewscape.models.experts.cells import Values, describe_classes, normalise


class InformedDiscriminant:
    """Normal distributions with one covariance for all classes, learnt from other scenes.

    A few polygons say where a class lies among the features, but hardly how it varies over a whole
    scene. So the covariance is not taken from them: it is the mean within-class covariance of many
    scenes that were fully labelled, plus a constant. Only the classes' means are learnt here.

    Args:
        within: (D, D) covariance of features scaled over each scene.
        added_variance: in units of the scene's variance.
    """

    def __init__(self, within: npt.NDArray[np.float64], added_variance: float = 0.05) -> None:
        self.covariance = within + added_variance * np.eye(len(within))

    def learn(
        self,
        values: Values,
        classes: npt.NDArray[np.int64],
        num_classes: int,
        weights: npt.NDArray[np.float64] | None = None,
    ) -> Self:
        """See ``Expert``."""
        means, _ = describe_classes(values, classes, num_classes, weights)
        solved = np.linalg.solve(self.covariance, means.T)  # (D, K)
        self.weights = solved.astype(np.float32)
        self.offsets = (-0.5 * np.einsum("kd,dk->k", means, solved)).astype(np.float32)
        return self

    def predict(self, values: Values) -> Values:
        """See ``Expert``."""
        return normalise(values @ self.weights + self.offsets)
