"""Text files of published lists, in the notations that the few-shot papers use."""

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
    """A row: an image counts for a class."""

    name: str
    """Of the image, without folder and suffix."""
    number: int
    """Of the class, as the papers count, from 1."""


class PairList(NamedTuple):
    """The pairs of a file."""

    path: str
    pairs: tuple[Pair, ...]


ListKey = tuple[str, int]
"""Split and fold of a list."""


def read_pair_lists(
    files: Iterable[SourceFile], own: re.Pattern[str], num_classes: int
) -> dict[ListKey, PairList]:
    """Lists of pairs among the files of a download, such as ``name__3`` or ``folder/name_03``.

    Args:
        files: some or all of a download.
        own: what names of the data set's images look like; files that begin with another name
            belong to another data set of the same download.
        num_classes: classes have the numbers from 1 to this.

    Raises:
        DatasetError: two files are the same list, a row cannot be understood, or a file is empty.
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
    """Lists of an image and a mask a row, among the files of a download.

    Returns:
        By split: the path of the list, and the names of its images without folder and suffix.

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
    """See that every image of a list is there.

    Args:
        path: of the list.
        listed: names of its images.
        present: names of those that are there.
        what: they are, in singular.

    Raises:
        DatasetError: names the first that is absent and counts the rest.
    """
    known = set(present)
    absent = [name for name in dict.fromkeys(listed) if name not in known]
    if absent:
        raise DatasetError(
            f"the list '{path}' names the {what} '{absent[0]}', which is absent"
            + (f", as are {len(absent) - 1} more" if len(absent) > 1 else ""),
            f"expected every listed {what} in --source",
            "the download is incomplete or the list is of another version; fetch both from one "
            "place, or take the list away",
        )


def _read_rows(file: SourceFile) -> list[str]:
    try:
        text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"the list '{file.path}' is no text",
            "expected a row for each image",
            "download it again",
        ) from error
    rows = [row.strip().replace("\\", "/") for row in text.splitlines() if row.strip()]
    if not rows:
        raise DatasetError(
            f"the list '{file.path}' is empty",
            "expected a row for each image",
            "download it again, or take it away",
        )
    return rows


def _read_pair(file: SourceFile, row: str, num_classes: int) -> Pair:
    match = PAIR_ROW.fullmatch(row.rpartition("/")[2])
    if match is None or not 1 <= int(match["number"]) <= num_classes:
        raise DatasetError(
            f"the list '{file.path}' has the row '{row}'",
            f"expected the name of an image and a class from 1 to {num_classes}, such as "
            "name__3 or name_03",
            "give the list as published",
        )
    return Pair(match["name"], int(match["number"]))
