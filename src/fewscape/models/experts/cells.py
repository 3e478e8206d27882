"""What experts learn from: the drawn cells of a scene, and a sample of all its cells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float32]

FLAT = 1e-6
"""Deviation below which a feature says nothing and becomes zero, such as that of a constant band."""


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

    def learn(self, values: Values, classes: npt.NDArray[np.int64], num_classes: int) -> Self:
        """Learn from (N, D) features and their (N,) classes; each class counts as much.

        Every class from 0 to ``num_classes`` - 1 occurs.
        """
        ...

    def predict(self, values: Values) -> Values:
        """(N, D) features to (N, K) log probabilities of the classes."""
        ...


def normalise(scores: npt.NDArray[np.floating]) -> Values:
    """(N, K) log densities to log probabilities under equal priors."""
    most = scores.max(axis=1, keepdims=True)
    total = np.log(np.exp(scores - most).sum(axis=1, keepdims=True)) + most
    return (scores - total).astype(np.float32)
