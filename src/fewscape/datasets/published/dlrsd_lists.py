"""The lists of DLRSD-B: images of each class by fold."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from fewscape.core import DatasetError
from fewscape.datasets.lists import LIST_FILES, ClassImages, PairLists
from fewscape.datasets.protocols import DLRSD_B
from fewscape.datasets.published.pair_lists import ListKey, PairList, check_listed

NAME = "dlrsd-b"
PAIRS = {"train": (1808, 1832, 1208), "val": (772, 783, 515)}
"""Pairs of each fold's own classes in the published lists."""


def make_lists(
    files: Mapping[ListKey, PairList], stems: Collection[str], names: Sequence[str]
) -> dict[str, PairLists]:
    """Make the content of ``lists.json``.

    Args:
        files: the lists of a download by split and fold; may be empty.
        stems: names of the images.
        names: class names, from class 1.

    Returns:
        The lists by name; empty without files.

    Raises:
        DatasetError: a list is missing, or has an absent image or a class of another fold.
    """
    if not files:
        return {}
    lists: dict[str, list[ClassImages]] = {}
    for split in PAIRS:
        for fold, numbers in enumerate(DLRSD_B):
            if (split, fold) not in files:
                raise DatasetError(
                    f"of the lists of {NAME} the one for {split}, fold {fold} is absent",
                    f"expected {LIST_FILES[NAME]}",
                    "add it to --source, or remove the other lists",
                )
            own = files[split, fold]
            check_listed(own.path, [pair.name for pair in own.pairs], stems, "image")
            _check_classes(own, fold)
            lists.setdefault(split, []).append(
                {
                    names[number - 1]: sorted({p.name for p in own.pairs if p.number == number})
                    for number in numbers
                }
            )
    return {NAME: lists}


def find_unshown(
    lists: Mapping[str, PairLists], shown: Mapping[str, Collection[str]]
) -> Iterator[str]:
    """Find listed pairs whose labels do not show the class, as ``image / class``.

    Args:
        lists: result of ``make_lists``.
        shown: class names in the labels of each image.
    """
    for by_split in lists.values():
        for folds in by_split.values():
            for fold in folds:
                for class_name, images in fold.items():
                    for image in images:
                        if class_name not in shown[image]:
                            yield f"{image} / {class_name}"


def format_lists(lists: Mapping[str, PairLists]) -> list[str]:
    """Report the pairs and the published numbers, and what absent lists mean."""
    if NAME not in lists:
        return [f"no lists of {NAME}, so its episodes cannot be made: they are {LIST_FILES[NAME]}"]
    lines = []
    for split, counts in PAIRS.items():
        found = (str(sum(map(len, fold.values()))) for fold in lists[NAME][split])
        told = ", ".join(found), ", ".join(map(str, counts))
        lines.append(f"{NAME} {split}: {told[0]} listed pairs in the folds, of {told[1]}")
    return lines


def _check_classes(own: PairList, fold: int) -> None:
    strange = [pair for pair in own.pairs if pair.number not in DLRSD_B[fold]]
    if strange:
        raise DatasetError(
            f"the list '{own.path}' names the class {strange[0].number} (image "
            f"'{strange[0].name}')",
            f"fold {fold} of {NAME} has the classes {', '.join(map(str, DLRSD_B[fold]))}",
            "it is a list of another version of DLRSD; remove it, or use PCFNet's",
        )
