"""Sample random episodes, the same on every machine."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from fewscape.core import ConfigError, DatasetError
from fewscape.datasets.base import LabelledImages
from fewscape.datasets.manifest import ClassKey, Crop, EpisodeSpec
from fewscape.datasets.windows import ShareLimits, WindowIndex

log = logging.getLogger(__name__)


class EpisodeSampler:
    """Samples 1-way K-shot episodes from data sets.

    A (data set, class) is drawn uniformly, then an image that shows the class, then a window of it;
    query and supports are from different images. Episode ``index`` of an epoch depends only on
    seed, epoch and index, so it does not matter which process draws it.

    Classes in too few images are skipped with a warning and listed in ``skipped``.

    Args:
        datasets: the data sets.
        classes: (data set, class id) to draw; all that are not hidden if None.
        shots: supports per episode.
        window: side of the square windows, pixels, or several to draw from; None for whole images.
        limits: allowed object shares in queries and supports.
        hidden: (data set, class id) whose pixels are unknown in training, not background.
        seed: random seed.
        step: see ``WindowIndex``.
        elsewhere: share of episodes whose query was drawn for another class of the data set; most
            of these lack the class, like most windows of a scene.
        listed: allowed image names by (data set, class id); all images for other classes.
        by_pairs: share of episodes that sample (image, class) pairs uniformly instead of classes.

    Raises:
        ConfigError: there are no shots, or a class is both drawn and hidden.
        DatasetError: a class is unknown, or no class is in enough images.
    """

    def __init__(
        self,
        datasets: Sequence[LabelledImages],
        classes: Collection[ClassKey] | None = None,
        shots: int = 1,
        window: int | Sequence[int] | None = 256,
        limits: ShareLimits | None = None,
        hidden: Collection[ClassKey] = (),
        seed: int = 0,
        step: int | None = None,
        elsewhere: float = 0.0,
        listed: Mapping[ClassKey, Collection[str]] | None = None,
        by_pairs: float = 0.0,
    ) -> None:
        if shots < 1:
            raise ConfigError(f"{shots} shots", "expected at least 1")
        self.datasets = {dataset.name: dataset for dataset in datasets}
        self.shots = shots
        self.seed = seed
        self.hidden = frozenset(hidden)
        self.elsewhere = elsewhere
        self.by_pairs = by_pairs
        sides = list(window) if isinstance(window, Sequence) else [window]
        self._indexes = {
            (name, side): WindowIndex(
                dataset,
                None if side is None else (side, side),
                limits,
                [class_id for owner, class_id in self.hidden if owner == name],
                step,
                {key[1]: images for key, images in (listed or {}).items() if key[0] == name},
            )
            for name, dataset in self.datasets.items()
            for side in sides
        }
        wanted = self._wanted(classes)
        self._sides = {
            key: [s for s in sides if len(self._indexes[key[0], s].images(key[1])) > shots]
            for key in wanted
        }
        self.keys: tuple[ClassKey, ...] = tuple(key for key in wanted if self._sides[key])
        """What is drawn."""
        self.skipped: tuple[ClassKey, ...] = tuple(k for k in wanted if not self._sides[k])
        """Classes in too few images."""
        self._report()
        images = np.array([self._count_images(key) for key in self.keys], np.float64)
        self._shares = images / images.sum()

    def sample(self, index: int, epoch: int = 0) -> EpisodeSpec:
        """Sample episode ``index`` of an epoch."""
        rng = np.random.default_rng([self.seed, epoch, index])
        key = self._draw_key(rng)
        used: set[int] = set()
        query = self._draw_crop(rng, key, used)
        of_query = set(used)
        supports = tuple(self._draw_crop(rng, key, used) for _ in range(self.shots))
        if self.elsewhere and rng.random() < self.elsewhere:
            query = self._draw_other(rng, key, used - of_query) or query
        name, class_id = key
        class_name = self.datasets[name].classes[class_id]
        return EpisodeSpec(name, class_id, class_name, query, supports)

    def _draw_key(self, rng: np.random.Generator) -> ClassKey:
        if self.by_pairs and rng.random() < self.by_pairs:
            return self.keys[int(rng.choice(len(self.keys), p=self._shares))]
        return self.keys[int(rng.integers(len(self.keys)))]

    def _count_images(self, key: ClassKey) -> int:
        """Count images with a class in a window of any side."""
        name, class_id = key
        sides = self._sides[key]
        return len({image for s in sides for image in self._indexes[name, s].images(class_id)})

    def _draw_other(self, rng: np.random.Generator, key: ClassKey, used: set[int]) -> Crop | None:
        """Draw a crop for another class of the data set, from an image without supports."""
        others = [other for other in self.keys if other[0] == key[0] and other != key]
        if not others:
            return None
        return self._draw_crop(rng, others[int(rng.integers(len(others)))], used)

    def _draw_crop(self, rng: np.random.Generator, key: ClassKey, used: set[int]) -> Crop:
        name, class_id = key
        side = self._sides[key][int(rng.integers(len(self._sides[key])))]
        index = self._indexes[name, side]
        free = [image for image in index.images(class_id) if image not in used]
        image = free[int(rng.integers(len(free)))]
        used.add(image)
        number = int(rng.integers(index.count(class_id, image)))
        dataset = self.datasets[name]
        return Crop(
            dataset.image_path(image),
            dataset.labels_path(image),
            index.window(class_id, image, number),
        )

    def _wanted(self, classes: Collection[ClassKey] | None) -> list[ClassKey]:
        known = [
            (n, class_id) for n, dataset in self.datasets.items() for class_id in dataset.classes
        ]
        if classes is None:
            return [key for key in known if key not in self.hidden]
        unknown = [key for key in classes if key not in known]
        if unknown:
            raise DatasetError(
                f"there is no class {unknown[0][1]} in a data set '{unknown[0][0]}'",
                f"expected pairs of {', '.join(self.datasets)} and an id of its classes",
            )
        both = [key for key in known if key in classes and key in self.hidden]
        if both:
            raise ConfigError(
                f"the class {both[0][1]} of '{both[0][0]}' is both drawn and hidden",
                "a held-out class must not be trained",
            )
        return [key for key in known if key in classes]

    def _report(self) -> None:
        if not self.keys:
            raise DatasetError(
                f"no class can be drawn: each is in fewer than {self.shots + 1} images",
                "an episode needs a query and supports from different images",
                "use fewer shots, smaller windows or a smaller object share",
            )
        for name, class_id in self.skipped:
            log.warning(
                "%s / %s is skipped: fewer than %d images show enough of it",
                name,
                self.datasets[name].classes[class_id],
                self.shots + 1,
            )
