"""Gaussian maximum likelihood."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from fewscape.models.experts.cells import Values, describe_classes, normalise


class Gaussian:
    """A normal distribution with a covariance of its own for each class.

    The maximum likelihood classifier of remote sensing (Swain and Davis, Remote Sensing: The
    Quantitative Approach, 1978), with a constant added to the variances, so that a class of few or
    equal cells keeps an invertible covariance.

    Args:
        added_variance: in units of the scene's variance.
    """

    def __init__(self, added_variance: float = 0.3) -> None:
        self.added_variance = added_variance

    def learn(
        self,
        values: Values,
        classes: npt.NDArray[np.int64],
        num_classes: int,
        weights: npt.NDArray[np.float64] | None = None,
    ) -> Self:
        """See ``Expert``."""
        self.means, covariances = describe_classes(values, classes, num_classes, weights)
        covariances = covariances + self.added_variance * np.eye(values.shape[1])
        # Whitened distances: |L^-1 (x - m)|^2 with the Cholesky factor L of each covariance.
        factors = [np.linalg.cholesky(covariance) for covariance in covariances]
        self.whitening = np.stack([np.linalg.inv(factor).T for factor in factors])  # (K, D, D)
        self.offsets = np.array([np.log(np.diag(factor)).sum() for factor in factors])
        return self

    def predict(self, values: Values) -> Values:
        """See ``Expert``."""
        scores = np.empty((len(values), len(self.means)), np.float32)
        for k, (mean, whitening) in enumerate(zip(self.means, self.whitening, strict=True)):
            white = (values - mean.astype(np.float32)) @ whitening.astype(np.float32)
            scores[:, k] = -0.5 * np.einsum("nd,nd->n", white, white) - self.offsets[k]
        return normalise(scores)
