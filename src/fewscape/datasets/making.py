"""Make manifests; the same data and settings give the same bytes."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fewscape.core import IGNORE, DatasetError, Window
from fewscape.datasets.base import LabelledImages
from fewscape.datasets.manifest import Crop, EpisodeSpec, Manifest
from fewscape.datasets.windows import ShareLimits, WindowIndex


@dataclass(frozen=True, slots=True)
class Shortage:
    """A class with fewer episodes than requested."""

    dataset: str
    class_name: str
    images: int
    """Images with enough of the class."""
    episodes: int
    """Number of distinct episodes."""


def make_manifest(
    name: str,
    datasets: Sequence[LabelledImages],
    leave_out: Collection[str] = (),
    shots: int = 1,
    episodes: int = 100,
    window: int = 256,
    limits: ShareLimits | None = None,
    seed: int = 0,
) -> tuple[Manifest, list[Shortage]]:
    """Make distinct episodes for every (data set, class).

    Queries cycle over the images that show the class and over the windows of each image, so that
    all are used about equally often. The random draws of a class depend only on its data set, its
    name and the seed: other data sets in the list do not change its episodes.

    Args:
        name: name of the manifest.
        datasets: the data sets.
        leave_out: classes without episodes; their pixels are background for the others.
        shots: supports per episode, all from different images.
        episodes: episodes per (data set, class).
        window: side of the square windows and their tensors.
        limits: allowed object shares.
        seed: random seed.

    Returns:
        The manifest, and the classes with fewer episodes than requested.

    Raises:
        DatasetError: the data sets ignore different ids.
    """
    ignores = {dataset.ignore for dataset in datasets}
    if len(ignores) > 1:
        raise DatasetError(
            f"the data sets ignore different ids: {', '.join(map(str, sorted(ignores)))}",
            "a manifest has one id to ignore",
            "make one manifest for each",
        )
    made: list[EpisodeSpec] = []
    shortages = []
    for dataset in datasets:
        index = WindowIndex(dataset, (window, window), limits)
        for class_id, class_name in dataset.classes.items():
            if class_name in leave_out:
                continue
            source = _ClassEpisodes(dataset, index, class_id, shots, seed)
            specs = list(itertools.islice(source.different(tries=20 * episodes), episodes))
            made += specs
            if len(specs) < episodes:
                images = len(index.images(class_id))
                shortages.append(Shortage(dataset.name, class_name, images, len(specs)))
    ignore = ignores.pop() if ignores else IGNORE
    return Manifest(name, tuple(made), (window, window), ignore), shortages


class _ClassEpisodes:
    """An endless stream of episodes of one class."""

    def __init__(
        self, dataset: LabelledImages, index: WindowIndex, class_id: int, shots: int, seed: int
    ) -> None:
        self.dataset = dataset
        self.index = index
        self.class_id = class_id
        self.shots = shots
        label = f"{dataset.name}/{dataset.classes[class_id]}"
        self.rng = np.random.default_rng([seed, zlib.crc32(label.encode())])
        self.images = index.images(class_id)
        self.windows = {image: self._shuffled_windows(image) for image in self.images}

    def different(self, tries: int) -> Iterator[EpisodeSpec]:
        """Yield new episodes, up to a maximum number of draws."""
        if len(self.images) <= self.shots:
            return
        seen = set()
        for query in itertools.islice(self._queries(), tries):
            spec = self._episode(query)
            if spec not in seen:
                seen.add(spec)
                yield spec

    def _queries(self) -> Iterator[int]:
        while True:
            yield from self.rng.permutation(self.images).tolist()

    def _episode(self, query: int) -> EpisodeSpec:
        others = [image for image in self.images if image != query]
        supports = self.rng.choice(others, self.shots, replace=False).tolist()
        return EpisodeSpec(
            self.dataset.name,
            self.class_id,
            self.dataset.classes[self.class_id],
            self._crop(query, next(self.windows[query])),
            tuple(self._crop(image, self._any_window(image)) for image in supports),
        )

    def _shuffled_windows(self, image: int) -> Iterator[Window]:
        order = self.rng.permutation(self.index.count(self.class_id, image)).tolist()
        return itertools.cycle([self.index.window(self.class_id, image, n) for n in order])

    def _any_window(self, image: int) -> Window:
        number = int(self.rng.integers(self.index.count(self.class_id, image)))
        return self.index.window(self.class_id, image, number)

    def _crop(self, image: int, window: Window) -> Crop:
        return Crop(self.dataset.image_path(image), self.dataset.labels_path(image), window)
