"""Published lists of a data set: the images of each class, by split and fold.

They are in ``lists.json`` beside ``classes.json``, written by ``fewscape data prepare``::

    {"dlrsd-b": {"train": [{"airplane": ["airplane00", ...], ...}, ...one for each fold],
                 "val": [...]}}

A fold's entry has its own classes by name, each with the names of its images.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from fewscape.core import ConfigError, DatasetError, read_json, suggest

LISTS = "lists.json"
"""File beside ``classes.json`` with the published lists."""

ClassImages = Mapping[str, Collection[str]]
"""Image names without suffix, by class name."""
PairLists = Mapping[str, Sequence[ClassImages]]
"""By split, then by fold."""


def read_class_lists(folder: Path, name: str) -> PairLists:
    """Read the lists of one name.

    Args:
        folder: folder of the prepared data set.
        name: name of the lists, such as ``dlrsd-b``.

    Raises:
        ConfigError: the file has no lists of this name.
        DatasetError: the file is missing or invalid.
    """
    file = folder / LISTS
    if not file.is_file():
        raise DatasetError(
            f"'{folder}' has no {LISTS}, so the published lists '{name}' are not known",
            f"expected the data set as prepared with {LIST_FILES.get(name, 'its list files')} in "
            "--source",
            f"add these files to --source, delete '{folder}' and run fewscape data prepare again",
        )
    try:
        content = read_json(file)
    except (OSError, ValueError) as error:
        raise DatasetError(f"'{file}' is not readable JSON: {error}", EXPECTED) from error
    if not isinstance(content, dict) or not all(map(_is_lists, content.values())):
        raise DatasetError(f"'{file}' is not a table of lists", EXPECTED)
    if name not in content:
        raise ConfigError(f"'{file}' has no lists '{name}'", "", suggest(name, content))
    lists: PairLists = content[name]
    return lists


def join_folds(folds: Sequence[ClassImages]) -> dict[str, frozenset[str]]:
    """Join the images of each class over several folds.

    Examples:
        >>> joined = join_folds([{"ship": ["a", "b"]}, {"ship": ["c"], "dock": []}])
        >>> sorted(joined["ship"]), sorted(joined["dock"])
        (['a', 'b', 'c'], [])
    """
    joined: dict[str, frozenset[str]] = {}
    for fold in folds:
        for class_name, images in fold.items():
            joined[class_name] = joined.get(class_name, frozenset()).union(images)
    return joined


LIST_FILES = {
    "dlrsd-b": "PCFNet's DLRSD_5i/{trn,val}/split{0,1,2}.txt or ICPD-Net's "
    "{trn,val}/fold{0,1,2}.txt",
}
"""Source files of the lists for ``fewscape data prepare``."""

EXPECTED = 'expected {"dlrsd-b": {"train": [{"ship": ["image1", ...], ...}, ...], "val": [...]}}'


def _is_lists(content: object) -> bool:
    return isinstance(content, dict) and all(
        isinstance(folds, list) and all(map(_is_fold, folds)) for folds in content.values()
    )


def _is_fold(content: object) -> bool:
    return isinstance(content, dict) and all(
        isinstance(images, list) and all(isinstance(image, str) for image in images)
        for images in content.values()
    )
