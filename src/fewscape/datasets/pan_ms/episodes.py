"""Sample support and query pixels (docs/methods/dual_source.md#episodes)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from fewscape.core import ConfigError, DatasetError

SupportStrategy = Literal["k_centre", "dissimilar", "similar", "random"]
QueryStrategy = Literal["margin", "own", "random"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

NEIGHBOURS = 10
"""Number of neighbours for the density of a sample."""
SPARSE = 0.1
"""Share of a class's least dense pixels that are never supports."""
MIN_POOL = 64
NOISE = 0.02
"""Share of a class's hardest pixels that are never queries, since their labels are likely wrong."""
FIRST_HARD, LAST_HARD, MIDDLE, STEEPNESS = 0.1, 0.5, 30.0, 0.2
"""Schedule of the share of hard queries over the epochs."""


class PixelEpisode(NamedTuple):
    """Indices into the bank; classes are numbers below K of the episode."""

    classes: Ints
    """(K,) labels of the classes, from 1."""
    supports: Ints
    """(K * shots,)."""
    support_classes: Ints
    queries: Ints
    """(K * queries,)."""
    query_classes: Ints


@dataclass(frozen=True, slots=True)
class EpisodeOptions:
    """Options of episode sampling.

    Attributes:
        way: maximum number of classes per episode.
        shots: supports per class.
        queries: queries per class.
        support: ``k_centre`` is representative and diverse; the others are for ablations.
        query: ``margin`` adds pixels near another class, ``own`` pixels far from their own class,
            as in the published code.
    """

    way: int = 5
    shots: int = 5
    queries: int = 15
    support: SupportStrategy = "k_centre"
    query: QueryStrategy = "margin"


def hard_share(epoch: int) -> float:
    """Share of hard queries: 0.1 at first, 0.5 at the end.

    Examples:
        >>> round(hard_share(30), 2)
        0.3
    """
    rise = 1 / (1 + math.exp(-STEEPNESS * (epoch - MIDDLE)))
    return FIRST_HARD + (LAST_HARD - FIRST_HARD) * rise


class PixelBank:
    """Labelled pixels with descriptors, to sample episodes from.

    Args:
        labels: (N,) classes from 1.
        descriptors: (N, D); normalised here.
        options: see ``EpisodeOptions``.

    Raises:
        DatasetError: fewer than two classes have enough pixels.
    """

    def __init__(
        self, labels: Ints, descriptors: Floats, options: EpisodeOptions | None = None
    ) -> None:
        self.options = options or EpisodeOptions()
        self.labels = np.asarray(labels)
        needed = self.options.shots + 1
        numbers, counts = np.unique(self.labels, return_counts=True)
        self.classes = [int(n) for n, c in zip(numbers, counts, strict=True) if c >= needed]
        """Labels with enough pixels."""
        self.skipped = [int(n) for n, c in zip(numbers, counts, strict=True) if c < needed]
        """Labels with fewer than shots + 1 pixels."""
        if len(self.classes) < 2:
            raise DatasetError(
                f"{len(self.classes)} classes have at least {needed} labelled pixels",
                "an episode needs two classes with more pixels than shots",
                "label more pixels or use fewer shots",
            )
        self._members = {number: np.flatnonzero(self.labels == number) for number in self.classes}
        self.refresh(descriptors)

    def refresh(self, descriptors: Floats) -> None:
        """Replace the descriptors of the pixels."""
        norms = np.linalg.norm(descriptors, axis=1, keepdims=True)
        self.descriptors = (descriptors / np.maximum(norms, 1e-12)).astype(np.float32)
        self._dense = {n: self._drop_sparse(m) for n, m in self._members.items()}

    def draw(self, rng: np.random.Generator, epoch: int = 0) -> PixelEpisode:
        """Draw an episode with distinct support and query pixels."""
        options = self.options
        way = min(options.way, len(self.classes))
        classes = np.sort(rng.choice(self.classes, way, replace=False))
        supports = [self._draw_supports(rng, int(number)) for number in classes]
        centroids = np.stack([self._centroid(int(number)) for number in classes])
        queries = [
            self._draw_queries(rng, place, int(number), centroids, own, epoch)
            for place, (number, own) in enumerate(zip(classes, supports, strict=True))
        ]
        return PixelEpisode(
            classes,
            np.concatenate(supports),
            np.repeat(np.arange(way), [len(own) for own in supports]),
            np.concatenate(queries),
            np.repeat(np.arange(way), [len(own) for own in queries]),
        )

    def _drop_sparse(self, members: Ints) -> Ints:
        """Drop the tenth of the members with the least similar neighbours."""
        if len(members) <= NEIGHBOURS:
            return members
        chosen = members[:: -(-len(members) // 2000)]  # a thinned class bounds the matrix
        rows = self.descriptors[members] @ self.descriptors[chosen].T
        nearest = min(NEIGHBOURS + 1, rows.shape[1])  # the first is the sample itself
        density = np.partition(rows, -nearest, axis=1)[:, -nearest:].mean(axis=1)
        kept = np.argsort(density)[int(SPARSE * len(members)) :]
        return members[np.sort(kept)]

    def _centroid(self, number: int) -> Floats:
        mean: Floats = self.descriptors[self._members[number]].mean(axis=0)
        return mean / max(float(np.linalg.norm(mean)), 1e-12)

    def _draw_supports(self, rng: np.random.Generator, number: int) -> Ints:
        shots, everything = self.options.shots, self._members[number]
        near = self.descriptors[everything] @ self._centroid(number)
        match self.options.support:
            case "random":
                return rng.choice(everything, shots, replace=False)
            case "similar":
                return everything[np.argsort(-near, kind="stable")[:shots]]
            case "dissimilar":
                return everything[np.argsort(near, kind="stable")[:shots]]
            case "k_centre":
                return self._spread(rng, number)
        raise ConfigError(f"there is no support strategy '{self.options.support}'")

    def _spread(self, rng: np.random.Generator, number: int) -> Ints:
        """Choose the medoid of a random pool of dense members, then the farthest ones."""
        shots, dense = self.options.shots, self._dense[number]
        if len(dense) < shots:
            dense = self._members[number]
        size = min(len(dense), max(8 * shots, MIN_POOL))
        pool = rng.choice(dense, size, replace=False)
        rows = self.descriptors[pool]
        similar = rows @ rows.T
        chosen = [int((rows @ self._centroid(number)).argmax())]
        while len(chosen) < shots:
            largest = similar[:, chosen].max(axis=1)
            largest[chosen] = np.inf
            chosen.append(int(largest.argmin()))
        return pool[chosen]

    def _draw_queries(
        self,
        rng: np.random.Generator,
        place: int,
        number: int,
        centroids: Floats,
        supports: Ints,
        epoch: int,
    ) -> Ints:
        free = np.setdiff1d(self._members[number], supports)
        count = min(self.options.queries, len(free))
        hard: Ints = np.empty(0, np.int64)
        if self.options.query != "random":
            num_hard = int(count * hard_share(epoch))
            similar = self.descriptors[free] @ centroids.T
            ease = similar[:, place].copy()
            if self.options.query == "margin":
                similar[:, place] = -np.inf
                ease -= similar.max(axis=1)
            order = np.argsort(ease, kind="stable")  # hardest first
            begin = int(NOISE * len(order))
            candidates = free[order[begin : begin + 3 * num_hard]]
            hard = rng.choice(candidates, min(num_hard, len(candidates)), replace=False)
        rest = np.setdiff1d(free, hard)
        easy = rng.choice(rest, count - len(hard), replace=False)
        return np.concatenate([hard, easy])
