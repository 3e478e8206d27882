"""Find images, masks and lists of iSAID in a download, in all known layouts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from fewscape.core import DatasetError
from fewscape.datasets.published.archives import Download, SourceFile, note_once
from fewscape.datasets.published.guide import DownloadGuide
from fewscape.datasets.published.pair_lists import (
    IMAGE_LIST,
    PAIR_LIST,
    SPLITS,
    check_listed,
    read_image_lists,
    read_pair_lists,
)

NUM_CLASSES, NUM_FOLDS = 15, 3
MEMBER = re.compile(r"(?:^|/)(train|trn|val)(?:\.zip)?/(?:.*/)?([^/]+)\.png$", re.IGNORECASE)
MASK_ENDING = "_instance_color_RGB"
MASK_FOLDERS = {"ann_dir", "semantic_masks", "semantic_png"}
INSTANCES = "_instance_id_RGB"

OFFSETS = re.compile(r"(?:_\d+){4}$")
"""First and last row and column in a tile's name."""
OWN_NAME = re.compile(r"(?![A-Za-z]+\d\d$).*")
"""Form of iSAID's image names; those of DLRSD are like ``airplane57``."""


class Scene(NamedTuple):
    """An image of iSAID, or a tile of one, with its mask."""

    split: str
    stem: str
    image: SourceFile
    mask: SourceFile


class ListedTiles(NamedTuple):
    """The lists of a split."""

    path: str
    """Path of one of the lists, for messages."""
    classes: dict[str, set[int]]
    """Listed classes by tile; empty if the lists have only tiles."""


def find_isaid(
    download: Download, source: Path, guide: DownloadGuide
) -> tuple[list[Scene], dict[str, ListedTiles]]:
    """Find scenes sorted by split and name, and the published lists by split.

    Files are in folders ``train`` (or ``trn``) and ``val``. Masks end in ``_instance_color_RGB`` or
    are in ``semantic_png``, ``ann_dir`` or ``Semantic_masks``; other pictures are images, in any
    subfolder.

    Raises:
        DatasetError: there is no image, an image lacks a mask or is duplicated, only some folds
            have lists, or a listed tile can be neither found nor cut.
    """
    images: dict[tuple[str, str], SourceFile] = {}
    masks: dict[tuple[str, str], SourceFile] = {}
    owners: dict[str, SourceFile] = {}
    lists = []
    for file in download:
        if PAIR_LIST.search(file.path) or IMAGE_LIST.search(file.path):
            lists.append(file)
        match = MEMBER.search(file.path)
        if match is None or match[2].endswith(INSTANCES):
            continue
        key = SPLITS[match[1].lower()], match[2].removesuffix(MASK_ENDING)
        if _is_mask(file.path, match[2]):
            note_once(masks, key, file, "mask")
        else:
            note_once(owners, key[1], file, "image")  # also in both splits
            images[key] = file
    if not images:
        raise DatasetError(
            f"'{source}' has no files of iSAID",
            "expected its images and masks, or tiles of them",
            f"check --source, or {guide.format(source)}",
        )
    scenes = [
        Scene(split, stem, image, _mask_of(masks, split, stem, image))
        for (split, stem), image in sorted(images.items())
    ]
    listed = _read_lists(lists)
    for split, own in listed.items():
        there = {scene.stem for scene in scenes if scene.split == split}
        check_tiles(own, [n for n in own.classes if n in there or OFFSETS.sub("", n) in there])
    return scenes, listed


def check_tiles(listed: ListedTiles, present: Iterable[str]) -> None:
    """Check that every listed tile exists.

    Raises:
        DatasetError: one is absent.
    """
    check_listed(listed.path, listed.classes, present, "tile")


def _is_mask(path: str, stem: str) -> bool:
    folders = {part.removesuffix(".zip") for part in path.lower().split("/")[:-1]}
    return stem.endswith(MASK_ENDING) or bool(folders & MASK_FOLDERS)


def _mask_of(
    masks: Mapping[tuple[str, str], SourceFile], split: str, stem: str, image: SourceFile
) -> SourceFile:
    if (split, stem) not in masks:
        raise DatasetError(
            f"the {split} image '{image.path}' has no mask",
            f"expected {stem}{MASK_ENDING}.png in a folder of '{split}'",
            "the download is incomplete; download it again",
        )
    return masks[split, stem]


def _read_lists(files: list[SourceFile]) -> dict[str, ListedTiles]:
    listed: dict[str, ListedTiles] = {}
    found = read_pair_lists(files, OWN_NAME, NUM_CLASSES)
    for (split, _), pair_list in found.items():
        for fold in range(NUM_FOLDS):
            if (split, fold) not in found:
                raise DatasetError(
                    f"beside '{pair_list.path}' the list of fold {fold} is absent",
                    f"expected one for each of the {NUM_FOLDS} folds; a split's tiles are those "
                    "of all its lists",
                    "add the missing list, or remove the others",
                )
        own = listed.setdefault(split, ListedTiles(pair_list.path, {}))
        for name, number in pair_list.pairs:
            own.classes.setdefault(name.removesuffix(MASK_ENDING), set()).add(number)
    for split, (path, names) in read_image_lists(files).items():
        own = listed.setdefault(split, ListedTiles(path, {}))
        for name in names:
            own.classes.setdefault(name.removesuffix(MASK_ENDING), set())
    return listed
