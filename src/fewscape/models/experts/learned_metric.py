"""Distances to the polygons' means under a metric that was learned on other scenes."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from fewscape.models.experts.cells import Values, normalise

MOST_MEANS = 32
"""Of a class; the means of more polygons than this are grouped, so that maps stay fast."""


class LearnedMetric:
    """Polygon means compared after a linear projection; only the means are learned here.

    The log density of class k is the largest of -1/2 |A x - A m_p|^2 over its polygons p with
    means m_p: prototypical networks (Snell et al., NeurIPS 2017, eq. 2) with a linear embedding A,
    but one prototype a polygon, since a class may look like two things. A class gains nothing by
    polygons that are alike, and loses nothing by those that differ. Few polygons tell where a
    class lies among the features, but hardly which features matter, so A comes from scenes that
    were labelled completely.

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
        polygons: npt.NDArray[np.int64] | None = None,
    ) -> Self:
        """See ``Expert``.

        ``polygons`` (N,) tells the polygon of each cell; each class is one if not given.
        """
        shares = np.ones(len(values)) if weights is None else weights
        parts = np.stack([classes, classes if polygons is None else polygons])
        (owners, _), polygon = np.unique(parts, axis=1, return_inverse=True)
        polygon = polygon.reshape(-1)
        order = np.argsort(polygon, kind="stable")
        starts = np.searchsorted(polygon[order], np.arange(len(owners)))
        summed = np.add.reduceat((values * shares[:, None])[order], starts)  # (P, D)
        means = summed / np.bincount(polygon, shares)[:, None]
        means = means @ self.projection.T.astype(np.float64)
        centres, groups = _group(means, owners)
        found = np.array([owners[groups == number][0] for number in range(len(centres))])
        self.firsts = np.searchsorted(found, np.arange(num_classes))  # means lie class by class
        self.taught = groups[polygon]
        self.weights = (centres @ self.projection).T.astype(np.float32)  # (D, G)
        self.offsets = (-0.5 * (centres**2).sum(axis=1)).astype(np.float32)
        return self

    def predict(self, values: Values) -> Values:
        """See ``Expert``."""
        scores = values @ self.weights + self.offsets  # (N, G)
        return normalise(np.maximum.reduceat(scores, self.firsts, axis=1))

    def trace(self, cell: Values) -> npt.NDArray[np.float64]:
        """How near each cell that taught is to another one, beside the others of its class.

        Args:
            cell: (D,) features.

        Returns:
            (N,) shares by the densities of the polygons, which add up to 1 for each class; cells
            of a polygon have the same.
        """
        scores = (cell @ self.weights + self.offsets).astype(np.float64)
        parts = [softmax(own) for own in np.split(scores, self.firsts[1:])]
        shares: npt.NDArray[np.float64] = np.concatenate(parts) / np.bincount(self.taught)
        return shares[self.taught]


def _group(
    means: npt.NDArray[np.float64], owners: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Centres (G, E) and the group of each of (P, E) means; no class has more than ``MOST_MEANS``.

    The means of a class that has more are grouped by k-means.
    """
    centres: list[npt.NDArray[np.float64]] = []
    groups = np.zeros(len(means), np.int64)
    for number in np.unique(owners):
        own = np.flatnonzero(owners == number)
        if len(own) > MOST_MEANS:
            from sklearn.cluster import KMeans

            found = KMeans(MOST_MEANS, n_init=1, random_state=0).fit(means[own])
            groups[own] = len(centres) + found.labels_
            centres += list(found.cluster_centers_)
        else:
            groups[own] = len(centres) + np.arange(len(own))
            centres += list(means[own])
    return np.stack(centres), groups
