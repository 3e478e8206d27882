"""Areas of images for training and validation."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from fewscape.core import ConfigError, DatasetError, Window, read_json, suggest
from fewscape.datasets.base import LabelledImages

SPLITS = "splits.json"
"""File beside ``classes.json`` with the images of each split."""

TRAILING_NUMBER = re.compile(r"[\W_]*[A-Za-z]*\d+$")


class Area(NamedTuple):
    """A rectangle of one image of a data set."""

    image: int
    """Index in the data set."""
    window: Window

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.window.height * self.window.width


def choose_areas(
    dataset: LabelledImages, wanted: Sequence[str], splits: Mapping[str, Sequence[str]]
) -> list[Area]:
    """Choose whole images by split or name pattern.

    Args:
        dataset: the images.
        wanted: names of splits, or patterns of image names without suffix, such as ``tile7_*``.
        splits: images by split, from ``read_splits``.

    Raises:
        ConfigError: a name is neither a split nor matches an image.
        DatasetError: a split has an absent image.
    """
    stems = {image_stem(dataset, index): index for index in range(len(dataset))}
    chosen: set[int] = set()
    for name in wanted:
        if name in splits:
            absent = [stem for stem in splits[name] if stem not in stems]
            if absent:
                raise DatasetError(
                    f"the split '{name}' of '{dataset.name}' names the image '{absent[0]}'",
                    f"the data set has no such image; {len(absent)} are absent in all",
                    f"add them, or correct {SPLITS}",
                )
            chosen.update(stems[stem] for stem in splits[name])
            continue
        matching = fnmatch.filter(stems, name)
        if not matching:
            raise ConfigError(
                f"'{name}' is neither a split nor an image of '{dataset.name}'",
                "expected a split or a pattern of image names, such as 'tile7_*'",
                suggest(name, [*splits, *list(stems)[:8]]),
            )
        chosen.update(stems[stem] for stem in matching)
    return [whole_image(dataset, index) for index in sorted(chosen)]


def separate_ground(dataset: LabelledImages, share: float) -> tuple[list[Area], list[Area]]:
    """Separate the ground of training and validation.

    Images whose names differ only in the last number (``tile7_part001``, ``tile7_part002``) are
    parts of one place and stay together. The last places by name are for validation, up to the
    requested share of pixels. A data set of one place is split between its images, a single image
    at a row.

    Args:
        dataset: the images.
        share: minimum share of validation pixels, in (0, 1).

    Returns:
        Areas for training and for validation, neither empty.

    Raises:
        ConfigError: the share is invalid.
        DatasetError: there is a single image of a single row.
    """
    if not 0 < share < 1:
        raise ConfigError(f"a validation share of {share}", "expected more than 0, less than 1")
    areas = [whole_image(dataset, index) for index in range(len(dataset))]
    if len(areas) == 1:
        return _cut_below(areas[0], share)
    places: dict[str, list[Area]] = {}
    for area in areas:
        places.setdefault(_place(image_stem(dataset, area.image)), []).append(area)
    groups = list(places.values()) if len(places) > 1 else [[area] for area in areas]
    wanted = share * sum(area.pixels for area in areas)
    taken = 1
    while taken < len(groups) - 1 and _count(groups[-taken:]) < wanted:
        taken += 1
    train, val = groups[:-taken], groups[-taken:]
    return [area for group in train for area in group], [area for group in val for area in group]


def read_splits(folder: Path) -> dict[str, list[str]]:
    """Read image names by split from ``splits.json``; empty without the file.

    Raises:
        DatasetError: the file is not a table of splits.
    """
    file = folder / SPLITS
    if not file.is_file():
        return {}
    expected = 'expected {"train": ["image1", ...], "val": [...]}, names without suffix'
    try:
        content = read_json(file)
    except (OSError, ValueError) as error:
        raise DatasetError(f"'{file}' is not readable JSON: {error}", expected) from error
    if not isinstance(content, dict) or not all(
        isinstance(names, list) and all(isinstance(name, str) for name in names)
        for names in content.values()
    ):
        raise DatasetError(f"'{file}' is not a table of splits", expected)
    return content


def image_stem(dataset: LabelledImages, index: int) -> str:
    """Name of an image without folder and suffix."""
    return PurePosixPath(dataset.image_path(index)).stem


def whole_image(dataset: LabelledImages, index: int) -> Area:
    """The area of a whole image."""
    return Area(index, Window(0, 0, *dataset.size(index)))


def _place(stem: str) -> str:
    return TRAILING_NUMBER.sub("", stem)


def _count(groups: Sequence[Sequence[Area]]) -> int:
    return sum(area.pixels for group in groups for area in group)


def _cut_below(area: Area, share: float) -> tuple[list[Area], list[Area]]:
    height, width = area.window.height, area.window.width
    if height < 2:
        raise DatasetError(
            "the data set has one image of one row",
            "it cannot be split into training and validation",
        )
    kept = min(max(round((1 - share) * height), 1), height - 1)
    upper, lower = Window(0, 0, kept, width), Window(kept, 0, height - kept, width)
    return [Area(area.image, upper)], [Area(area.image, lower)]
