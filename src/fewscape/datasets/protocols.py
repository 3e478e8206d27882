"""The test protocols of the published tables, by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from fewscape.core import ConfigError, DatasetError, Window, suggest
from fewscape.datasets.areas import choose_areas, read_splits
from fewscape.datasets.folder import FolderDataset
from fewscape.datasets.manifest import Crop, EpisodeSpec, Manifest

FoldClasses = tuple[tuple[int, ...], ...]
"""Numbers of the classes of each fold, as the papers count them, from 1."""

CONSECUTIVE: FoldClasses = tuple(tuple(range(5 * f + 1, 5 * f + 6)) for f in range(3))
DLRSD_B: FoldClasses = ((1, 2, 3, 4, 5), (6, 7, 9, 10, 11), (12, 14, 15, 16, 17))
DLRSD_4I: FoldClasses = ((1, 2, 3, 4), (5, 6, 7, 9), (10, 11, 12, 13), (14, 15, 16, 17))
OBJECT_PIXELS = 2 * 32 * 32
"""Below this, several papers do not count a class in an image."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """What is tested, and on what.

    Attributes:
        dataset: name of the prepared folder.
        folds: classes of each fold, see ``FoldClasses``.
        first_id: id of class 1 in the labels.
        split: images of queries and supports.
        episodes: drawn; every pair of image and class once if None, or if there are fewer.
        min_pixels: that a class has in an image to count there.
        image_size: side of the tensors in pixels.
        seed: of the supports.
        note: who uses it, and what it does not do.
    """

    dataset: str
    folds: FoldClasses
    first_id: int
    split: str
    episodes: int | None
    min_pixels: int
    image_size: int
    seed: int
    note: str


PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        "isaid5i-p1": Protocol(
            "isaid5i",
            CONSECUTIVE,
            1,
            "val",
            None,
            1,
            256,
            0,
            "SCCNet, MGCL: every pair once; training tiles that show novel classes are kept",
        ),
        "isaid5i-p1-1000": Protocol(
            "isaid5i", CONSECUTIVE, 1, "val", 1000, 1, 256, 1385, "SDM: as p1, 1,000 drawn pairs"
        ),
        "isaid5i-p3": Protocol(
            "isaid5i",
            CONSECUTIVE,
            1,
            "val",
            1000,
            OBJECT_PIXELS,
            256,
            0,
            "DMNet, MGANet: large objects; training tiles that show novel classes are left out",
        ),
        "isaid5i-p4": Protocol(
            "isaid5i", CONSECUTIVE, 1, "val", 1000, 1, 473, 0, "FRINet: tiles enlarged to 473"
        ),
        "dlrsd-a": Protocol(
            "dlrsd",
            CONSECUTIVE,
            0,
            "all",
            None,
            1,
            256,
            0,
            "SCCNet, MGCL, HRL: no image is held out; nine of ten tested images are trained on",
        ),
        "dlrsd-4i": Protocol(
            "dlrsd", DLRSD_4I, 0, "all", None, 1, 256, 0, "MS2A2Net's classes; no image is held out"
        ),
        "dlrsd-c": Protocol(
            "dlrsd", CONSECUTIVE, 0, "val", None, 1, 256, 0, "classes of dlrsd-a on unseen images"
        ),
        "dlrsd-c-b": Protocol(
            "dlrsd", DLRSD_B, 0, "val", None, 1, 256, 0, "PCFNet's classes on unseen images"
        ),
    }
)


def find_protocol(name: str) -> Protocol:
    """The protocol of a name.

    Raises:
        ConfigError: there is none.
    """
    if name not in PROTOCOLS:
        raise ConfigError(f"there is no protocol '{name}'", "", suggest(name, PROTOCOLS))
    return PROTOCOLS[name]


def novel_classes(protocol: Protocol, fold: int, dataset: FolderDataset) -> dict[int, str]:
    """Ids and names of the classes that a fold tests.

    Raises:
        ConfigError: there is no such fold.
        DatasetError: the data set lacks one of them.
    """
    if not 0 <= fold < len(protocol.folds):
        raise ConfigError(f"there is no fold {fold}", f"expected 0 to {len(protocol.folds) - 1}")
    ids = [number - 1 + protocol.first_id for number in protocol.folds[fold]]
    missing = [number for number in ids if number not in dataset.classes]
    if missing:
        raise DatasetError(
            f"the data set '{dataset.name}' has no class with the id {missing[0]}",
            f"expected the prepared '{protocol.dataset}'",
            f"make it with: fewscape data prepare {protocol.dataset}",
        )
    return {number: dataset.classes[number] for number in ids}


def make_protocol_manifest(
    name: str, dataset: FolderDataset, fold: int, shots: int, seed: int | None = None
) -> Manifest:
    """The episodes of a protocol: whole images, supports distinct and never the query.

    The supports of a pair depend on seed, class and query image alone.

    Args:
        name: of the protocol.
        dataset: the prepared data set.
        fold: whose classes are tested.
        shots: supports of an episode.
        seed: of supports and drawn pairs; the protocol's own if not given.

    Raises:
        ConfigError: there is no such protocol or fold.
        DatasetError: the split is absent, or too few images show a class.
    """
    protocol = find_protocol(name)
    start = protocol.seed if seed is None else seed
    novel = novel_classes(protocol, fold, dataset)
    areas = choose_areas(dataset, [protocol.split], read_splits(dataset.folder))
    members: dict[int, list[int]] = {class_id: [] for class_id in novel}
    for area in areas:
        counts = np.bincount(dataset.read_labels(area.image).ravel(), minlength=256)
        for class_id in novel:
            if counts[class_id] >= protocol.min_pixels:
                members[class_id].append(area.image)
    for class_id, images in members.items():
        if len(images) <= shots:
            raise DatasetError(
                f"{len(images)} images of '{dataset.name}' show '{novel[class_id]}'",
                f"{shots}-shot episodes need {shots + 1}",
                "check the data set with: fewscape data verify",
            )
    pairs = [(class_id, image) for class_id, images in members.items() for image in images]
    if protocol.episodes is not None and len(pairs) > protocol.episodes:
        pairs = _draw_pairs(members, protocol.episodes, np.random.default_rng([start, fold]))
    seen: Counter[tuple[int, int]] = Counter()
    episodes = []
    for class_id, query in pairs:
        rng = np.random.default_rng([start, class_id, query, seen[class_id, query]])
        seen[class_id, query] += 1  # a pair that is drawn again has other supports
        chosen = _draw_supports(members[class_id], query, shots, rng)
        episodes.append(_make_episode(dataset, class_id, [query, *chosen]))
    side = protocol.image_size
    title = f"{name}-fold{fold}-{shots}shot-seed{start}"
    return Manifest(title, tuple(episodes), (side, side), dataset.ignore)


def _draw_pairs(
    members: Mapping[int, list[int]], count: int, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """The class first, each with the same chance, then an image."""
    drawn = rng.choice(list(members), count).tolist()
    return [(class_id, int(rng.choice(members[class_id]))) for class_id in drawn]


def _draw_supports(
    members: list[int], query: int, shots: int, rng: np.random.Generator
) -> list[int]:
    others = [image for image in members if image != query]
    return [int(image) for image in rng.choice(others, shots, replace=False)]


def _make_episode(dataset: FolderDataset, class_id: int, images: list[int]) -> EpisodeSpec:
    """An episode of whole images, the query first."""
    query, *supports = (
        Crop(
            dataset.image_path(image),
            dataset.labels_path(image),
            Window(0, 0, *dataset.size(image)),
        )
        for image in images
    )
    return EpisodeSpec(dataset.name, class_id, dataset.classes[class_id], query, tuple(supports))
