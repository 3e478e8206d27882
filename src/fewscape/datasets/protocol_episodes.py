"""Make the episodes of a published protocol, the same on every machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from fewscape.core import DatasetError, Window
from fewscape.datasets.areas import choose_areas, image_stem, read_splits
from fewscape.datasets.fingerprint import hash_labels
from fewscape.datasets.folder import FolderDataset
from fewscape.datasets.lists import ClassImages, read_class_lists
from fewscape.datasets.manifest import Crop, EpisodeSpec, Manifest
from fewscape.datasets.protocols import Protocol, find_protocol, novel_classes


def make_protocol_manifest(
    name: str, dataset: FolderDataset, fold: int, shots: int, seed: int | None = None
) -> Manifest:
    """Make a protocol's episodes of whole images, with distinct supports that exclude the query.

    The supports of a pair depend only on seed, class and query image. If the protocol has published
    lists, queries and supports come from the fold's pairs. The manifest records the hash of its
    labels.

    Args:
        name: name of the protocol.
        dataset: the prepared data set.
        fold: fold to test.
        shots: supports per episode.
        seed: random seed of supports and sampled pairs; the protocol's if not given.

    Raises:
        ConfigError: the protocol or fold does not exist.
        DatasetError: the split or lists are absent, a listed image is absent, or too few images
            show a class.
    """
    protocol = find_protocol(name)
    start = protocol.seed if seed is None else seed
    novel = novel_classes(protocol, fold, dataset)
    areas = choose_areas(dataset, [protocol.test_split], read_splits(dataset.folder))
    stems = {area.image: image_stem(dataset, area.image) for area in areas}
    listed = _read_listed(protocol, dataset, fold, set(stems.values()))
    members: dict[int, list[int]] = {class_id: [] for class_id in novel}
    for area in areas:
        counts = np.bincount(dataset.read_labels(area.image).ravel(), minlength=256)
        for class_id, class_name in novel.items():
            is_listed = listed is None or stems[area.image] in listed.get(class_name, ())
            if is_listed and counts[class_id] >= protocol.min_pixels:
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
        seen[class_id, query] += 1  # a repeated pair has other supports
        chosen = _draw_supports(members[class_id], query, shots, rng)
        episodes.append(_make_episode(dataset, class_id, [query, *chosen]))
    side = protocol.image_size
    title = f"{name}-fold{fold}-{shots}shot-seed{start}"
    made = Manifest(title, tuple(episodes), (side, side), dataset.ignore)
    return replace(made, labels_sha256=hash_labels(dataset.root, made.label_files))


def _read_listed(
    protocol: Protocol, dataset: FolderDataset, fold: int, stems: Collection[str]
) -> ClassImages | None:
    """Images of each class of a fold in the protocol's lists, or None."""
    if protocol.lists is None:
        return None
    folds = read_class_lists(dataset.folder, protocol.lists).get("val", ())
    if fold >= len(folds):
        raise DatasetError(
            f"the lists '{protocol.lists}' of '{dataset.folder}' have no fold {fold} for the test",
            f"expected {len(protocol.folds)} folds under 'val'",
            f"delete the folder and run fewscape data prepare {protocol.dataset} again",
        )
    absent = sorted({stem for images in folds[fold].values() for stem in images} - set(stems))
    if absent:
        raise DatasetError(
            f"the lists '{protocol.lists}' of '{dataset.folder}' name the image '{absent[0]}'",
            f"the data set has no such image; {len(absent)} are absent in all",
            f"delete the folder and run fewscape data prepare {protocol.dataset} again",
        )
    return {class_name: frozenset(images) for class_name, images in folds[fold].items()}


def _draw_pairs(
    members: Mapping[int, list[int]], count: int, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Draw the class uniformly, then an image."""
    drawn = rng.choice(list(members), count).tolist()
    return [(class_id, int(rng.choice(members[class_id]))) for class_id in drawn]


def _draw_supports(
    members: list[int], query: int, shots: int, rng: np.random.Generator
) -> list[int]:
    others = [image for image in members if image != query]
    return [int(image) for image in rng.choice(others, shots, replace=False)]


def _make_episode(dataset: FolderDataset, class_id: int, images: list[int]) -> EpisodeSpec:
    """Make an episode of whole images, the query first."""
    query, *supports = (
        Crop(
            dataset.image_path(image),
            dataset.labels_path(image),
            Window(0, 0, *dataset.size(image)),
        )
        for image in images
    )
    return EpisodeSpec(dataset.name, class_id, dataset.classes[class_id], query, tuple(supports))
