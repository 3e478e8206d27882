"""What experts learn from: the drawn cells of a scene, and a sample of all its cells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float32]

FLAT = 1e-4
"""Deviation below which a feature is rounding and becomes 0, as that of a constant band.

A step of 8 bits is 4e-3 of the range; rounding in float32 reaches 1e-4 in bright, even ground.
"""


@dataclass(frozen=True, slots=True)
class Scaling:
    """Mean and deviation of each feature over a scene, not over what was drawn."""

    mean: Values
    """(D,)."""
    deviation: Values
    """(D,)."""

    @classmethod
    def measure(cls, values: Values) -> Self:
        """Of (N, D) cells from all over a scene; sums in float64."""
        mean = values.mean(axis=0, dtype=np.float64)
        deviation = values.std(axis=0, dtype=np.float64)
        return cls(mean.astype(np.float32), deviation.astype(np.float32))

    def apply(self, values: Values) -> Values:
        """(N, D) with mean 0 and deviation 1 over the scene; features that never vary become 0."""
        varies = self.deviation > FLAT
        factors = np.where(varies, 1 / np.where(varies, self.deviation, 1), 0).astype(np.float32)
        scaled: Values = (values - self.mean) * factors
        return scaled


@dataclass(frozen=True, slots=True)
class Cells:
    """Drawn cells with their class, and cells of the scene without one.

    Every cell is known by its features. A number of classes that occur is at least 1.
    """

    values: Values
    """(N, D) features of what was drawn."""
    classes: npt.NDArray[np.int64]
    """(N,) place of the class, from 0."""
    polygons: npt.NDArray[np.int64]
    """(N,) number of the polygon that each lies in."""
    scene: Values
    """(M, D) features of cells from all over the scene."""

    @property
    def num_classes(self) -> int:
        """Classes up to the largest that occurs."""
        return int(self.classes.max()) + 1

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        """(N,) of the drawn cells: each polygon of a class counts the same, whatever its size.

        The weights of a class add up to the number of its cells.
        """
        _, polygon, sizes = np.unique(self.polygons, return_inverse=True, return_counts=True)
        weights = 1.0 / sizes[polygon]
        factors = np.bincount(self.classes) / np.maximum(np.bincount(self.classes, weights), 1e-12)
        scaled: npt.NDArray[np.float64] = weights * factors[self.classes]
        return scaled

    def choose(self, keep: npt.NDArray[np.bool_]) -> Cells:
        """Only some of the drawn cells."""
        return replace(
            self,
            values=self.values[keep],
            classes=self.classes[keep],
            polygons=self.polygons[keep],
        )


class Expert(Protocol):
    """A classifier of cells."""

    def learn(
        self,
        values: Values,
        classes: npt.NDArray[np.int64],
        num_classes: int,
        weights: npt.NDArray[np.float64] | None = None,
    ) -> Self:
        """Learn from (N, D) features and their (N,) classes; each class counts as much.

        Every class from 0 to ``num_classes`` - 1 occurs. ``weights`` (N,) tell how much each
        cell counts within its class; all the same if not given.
        """
        ...

    def predict(self, values: Values) -> Values:
        """(N, D) features to (N, K) log probabilities of the classes."""
        ...


def describe_classes(
    values: Values,
    classes: npt.NDArray[np.int64],
    num_classes: int,
    weights: npt.NDArray[np.float64] | None = None,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Weighted means (K, D) and covariances (K, D, D) of the classes, in float64."""
    means, covariances = [], []
    for number in range(num_classes):
        chosen = classes == number
        own = values[chosen].astype(np.float64)
        shares = np.ones(len(own)) if weights is None else weights[chosen]
        shares = shares / shares.sum()
        mean = shares @ own
        centred = own - mean
        means.append(mean)
        covariances.append((centred * shares[:, None]).T @ centred)
    return np.stack(means), np.stack(covariances)


def normalise(scores: npt.NDArray[np.floating]) -> Values:
    """(N, K) log densities to log probabilities under equal priors."""
    most = scores.max(axis=1, keepdims=True)
    total = np.log(np.exp(scores - most).sum(axis=1, keepdims=True)) + most
    normal: Values = (scores - total).astype(np.float32)
    return normal
