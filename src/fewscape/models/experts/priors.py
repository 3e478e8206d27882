"""How frequent each class is in a scene, estimated from the scene itself."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fewscape.models.experts.cells import Values

ROUNDS = 30
"""Of the iteration; it settles well before."""


def estimate_priors(log_probabilities: Values) -> npt.NDArray[np.float32]:
    """Shares of the classes among cells of a scene, (K,), by expectation maximisation.

    The classifier's probabilities hold for equal shares; posteriors and shares are then adjusted to
    each other in turn (Saerens, Latinne and Decaestecker, Neural Computation 2002, eq. 2.9).
    Nobody draws polygons in proportion to what there is, so this is where a class that covers
    most of a scene comes to be known as such.

    Args:
        log_probabilities: (N, K) of cells from all over the scene, under equal shares.

    Examples:
        >>> estimate_priors(np.log(np.array([[0.9, 0.1], [0.9, 0.1]], np.float32))).round(2)
        array([1., 0.], dtype=float32)
    """
    probabilities = np.exp(log_probabilities.astype(np.float64))
    priors = np.full(probabilities.shape[1], 1 / probabilities.shape[1])
    for _ in range(ROUNDS):
        posteriors = probabilities * priors
        posteriors /= posteriors.sum(axis=1, keepdims=True)
        priors = posteriors.mean(axis=0)
    return priors.astype(np.float32)
