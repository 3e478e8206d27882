"""Read text files of published lists, in the notations of few-shot papers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

from fewscape.core import DatasetError
from fewscape.datasets.published.archives import SourceFile, note_once

SPLITS = {"train": "train", "trn": "train", "val": "val"}
"""Names of splits in published folders, and ours."""

PAIR_LIST = re.compile(r"(?:^|/)(train|trn|val)/(?:list/)?(?:fold|split)(\d)\.txt$", re.IGNORECASE)
"""``splits/train/fold0.txt``, ``trn/list/split0.txt`` and ``trn/split0.txt``."""
IMAGE_LIST = re.compile(r"(?:^|/)lists/(?:isaid/)?(train|trn|val)\.txt$", re.IGNORECASE)
"""``lists/iSAID/train.txt``."""

SUFFIX = r"(?:\.(?:png|jpe?g|tiff?))?"
PAIR_ROW = re.compile(rf"(?P<name>.+?){SUFFIX}__?(?P<number>\d{{1,2}}){SUFFIX}")


class Pair(NamedTuple):
    """A row: an image and a class."""

    name: str
    """Name of the image, without folder and suffix."""
    number: int
    """Class number from 1, as in the papers."""


class PairList(NamedTuple):
    """The pairs of a file."""

    path: str
    pairs: tuple[Pair, ...]


ListKey = tuple[str, int]
"""Split and fold of a list."""


def read_pair_lists(
    files: Iterable[SourceFile], own: re.Pattern[str], num_classes: int
) -> dict[ListKey, PairList]:
    """Read lists of pairs in a download, such as ``name__3`` or ``folder/name_03``.

    Args:
        files: files of a download.
        own: pattern of the data set's image names; lists with other names belong to another data
            set.
        num_classes: number of classes.

    Raises:
        DatasetError: two files are the same list, a row is invalid, or a file is empty.
    """
    found: dict[ListKey, SourceFile] = {}
    lists = {}
    for file in files:
        if match := PAIR_LIST.search(file.path):
            rows = _read_rows(file)
            first = PAIR_ROW.fullmatch(rows[0].rpartition("/")[2])
            if first is None or own.fullmatch(first["name"]):
                key = SPLITS[match[1].lower()], int(match[2])
                note_once(found, key, file, "list")
                pairs = tuple(_read_pair(file, row, num_classes) for row in rows)
                lists[key] = PairList(file.path, pairs)
    return dict(sorted(lists.items()))


def read_image_lists(files: Iterable[SourceFile]) -> dict[str, tuple[str, list[str]]]:
    """Read lists with an image and a mask per row in a download.

    Returns:
        By split: path of the list, and its image names without folder and suffix.

    Raises:
        DatasetError: two files are the same list, or a file is empty.
    """
    found: dict[str, SourceFile] = {}
    lists = {}
    for file in files:
        if match := IMAGE_LIST.search(file.path):
            split = SPLITS[match[1].lower()]
            note_once(found, split, file, "list")
            names = [PurePosixPath(re.split(r"[\s,]+", row)[0]).stem for row in _read_rows(file)]
            lists[split] = file.path, names
    return lists


def check_listed(path: str, listed: Iterable[str], present: Iterable[str], what: str) -> None:
    """Check that every image of a list exists.

    Args:
        path: path of the list.
        listed: names of its images.
        present: names of existing images.
        what: kind of image, in the singular.

    Raises:
        DatasetError: names the first absent image and counts the rest.
    """
    known = set(present)
    absent = [name for name in dict.fromkeys(listed) if name not in known]
    if absent:
        raise DatasetError(
            f"the list '{path}' names the {what} '{absent[0]}', which is absent"
            + (f", as are {len(absent) - 1} more" if len(absent) > 1 else ""),
            f"expected every listed {what} in --source",
            "the download is incomplete or the list is of another version; download both from "
            "the same source, or remove the list",
        )


def _read_rows(file: SourceFile) -> list[str]:
    try:
        text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"the list '{file.path}' is not text",
            "expected a row per image",
            "download it again",
        ) from error
    rows = [row.strip().replace("\\", "/") for row in text.splitlines() if row.strip()]
    if not rows:
        raise DatasetError(
            f"the list '{file.path}' is empty",
            "expected a row per image",
            "download it again, or remove it",
        )
    return rows


def _read_pair(file: SourceFile, row: str, num_classes: int) -> Pair:
    match = PAIR_ROW.fullmatch(row.rpartition("/")[2])
    if match is None or not 1 <= int(match["number"]) <= num_classes:
        raise DatasetError(
            f"the list '{file.path}' has the row '{row}'",
            f"expected the name of an image and a class from 1 to {num_classes}, such as "
            "name__3 or name_03",
            "use the published list",
        )
    return Pair(match["name"], int(match["number"]))
