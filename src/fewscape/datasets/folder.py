"""Data sets in the layout ``images/``, ``labels/`` and ``classes.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fewscape.core import IGNORE, DatasetError, Window, read_json
from fewscape.datasets.image_files import ImageFiles

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
LABEL_SUFFIXES = (".png", ".tif", ".tiff")

CLASSES = "classes.json"
"""The table of classes, written last by a preparation."""
PREPARING = "preparing.txt"
"""File with the command to run, present until a preparation is complete."""

EXPECTED = 'expected {"classes": {"0": "building", ...}, "ignore": 255}'


class FolderDataset:
    """Images and labels of the same stem in one folder; a ``LabelledImages``.

    ``classes.json`` holds ``{"classes": {"0": "building", ...}, "ignore": 255}``; labels are
    single-channel integer files of the size of their image.

    Args:
        folder: the folder with ``images``, ``labels`` and ``classes.json``.
        name: short name; the folder's name if not given.
        bands: band numbers from 1 to read, in order; all if not given.
        root: folder that ``image_path`` and ``labels_path`` are relative to; the folder that
            contains ``folder`` if not given, so that several data sets share a root.
        cache_bytes: how many bytes of decoded images to keep, and as many of labels.
        labels: folder of the labels, such as ``labels_eroded`` for another variant.

    Raises:
        DatasetError: a folder or ``classes.json`` is missing or invalid, or an image has no labels.
    """

    def __init__(
        self,
        folder: Path | str,
        name: str | None = None,
        bands: Sequence[int] | None = None,
        root: Path | str | None = None,
        cache_bytes: int = 64 << 20,
        labels: str = "labels",
    ) -> None:
        self.folder = Path(folder)
        self.labels_name = labels
        self.root = self.folder.absolute().parent if root is None else Path(root).absolute()
        self.name = name or self.folder.absolute().name
        self.bands = tuple(bands) if bands else None
        self.classes: Mapping[int, str]
        self.classes, self.ignore = read_classes(self.folder / CLASSES)
        self._pairs, self.lone_labels = _find_pairs(self.folder, labels)
        self._images = ImageFiles(self.root, cache_bytes)
        self._labels = ImageFiles(self.root, cache_bytes)
        self._is_known = np.zeros(256, bool)
        self._is_known[[*self.classes, self.ignore]] = True
        self._checked: set[int] = set()

    def __len__(self) -> int:
        return len(self._pairs)

    def image_path(self, index: int) -> str:
        """Path of the image relative to the root."""
        return self._relative(self._pairs[index][0])

    def labels_path(self, index: int) -> str:
        """Path of the labels relative to the root."""
        return self._relative(self._pairs[index][1])

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of the image and its labels, from the headers.

        Raises:
            DatasetError: the two differ.
        """
        size = self._images.size(self.image_path(index))
        if index not in self._checked:
            labels_size = self._labels.size(self.labels_path(index))
            if labels_size != size:
                raise DatasetError(
                    f"the labels '{self.labels_path(index)}' have "
                    f"{labels_size[0]} x {labels_size[1]} pixels",
                    f"expected {size[0]} x {size[1]} as in '{self.image_path(index)}'",
                    "every image and its labels must have the same size",
                )
            self._checked.add(index)
        return size

    def num_bands(self, index: int) -> int:
        """Bands of an image."""
        return len(self.read_image(index, Window(0, 0, 1, 1)))

    def read_image(self, index: int, window: Window | None = None) -> npt.NDArray[np.generic]:
        """(C, H, W) pixels in the dtype of the file."""
        return self._images.read(self.image_path(index), window, self.bands)

    def read_labels(self, index: int, window: Window | None = None) -> npt.NDArray[np.uint8]:
        """Class ids (H, W) as in the file.

        Raises:
            DatasetError: the labels differ in size from the image, or an id is not in
                ``classes.json``.
        """
        self.size(index)
        path = self.labels_path(index)
        labels = as_labels(self._labels.read(path, window), path)
        if not self._is_known[labels].all():
            unknown = np.unique(labels[~self._is_known[labels]]).tolist()
            raise DatasetError(
                f"the labels '{path}' contain the class id {', '.join(map(str, unknown))}",
                f"classes.json lists {', '.join(map(str, self.classes))} and {self.ignore} to "
                "ignore",
                "add the class to classes.json or correct the labels",
            )
        return labels

    def _relative(self, file: Path) -> str:
        return file.absolute().relative_to(self.root).as_posix()


def read_classes(file: Path) -> tuple[dict[int, str], int]:
    """Read class names by id, and the id to ignore, from ``classes.json``.

    Raises:
        DatasetError: the file is missing, for example after an interrupted preparation, or invalid.
    """
    note = file.with_name(PREPARING)
    if note.is_file() and not file.is_file():
        raise DatasetError(
            f"the preparation of '{file.parent}' was interrupted",
            f"expected a complete data set with '{file.name}'",
            f"run again: {note.read_text('utf-8').strip()}",
        )
    if not file.is_file():
        raise DatasetError(f"there is no '{file}'", EXPECTED, "write one beside images and labels")
    content = _read_table(file)
    try:
        classes = {int(key): str(name) for key, name in content["classes"].items()}
        ignore = int(content.get("ignore", IGNORE))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"'{file}' is not a table of classes", EXPECTED) from error
    outside = [key for key in [*classes, ignore] if not 0 <= key <= IGNORE]
    is_clear = len(classes) == len(content["classes"])  # "1" and "01" are one id
    if outside or not classes or not is_clear or ignore in classes:
        raise DatasetError(
            f"'{file}' lists the ids {', '.join(map(str, classes))} and ignores {ignore}",
            "expected at least one class and unique ids from 0 to 255, none of them ignored",
        )
    return dict(sorted(classes.items())), ignore


def read_unscored(file: Path) -> tuple[str, ...]:
    """Classes that ``classes.json`` excludes from the mean, like ISPRS's clutter."""
    listed = _read_table(file).get("unscored", [])
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise DatasetError(f"'unscored' in '{file}' is not a list", 'expected ["clutter", ...]')
    return tuple(listed)


def read_published_pairs(file: Path) -> dict[str, dict[str, int]]:
    """Number of images that show each class by split in published lists, if known."""
    pairs = _read_table(file).get("published_pairs", {})
    try:
        return {split: dict(counts) for split, counts in pairs.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise DatasetError(
            f"'published_pairs' in '{file}' cannot be read", 'expected {"train": {"ship": 3, ...}}'
        ) from error


def read_colours(file: Path) -> tuple[tuple[int, int, int], ...] | None:
    """Colours of the classes in the order of their ids, if ``classes.json`` has all of them.

    Raises:
        DatasetError: an entry is not a colour.
    """
    content = _read_table(file)
    listed = content.get("colours", {})
    try:
        by_id = {int(key): tuple(int(part) for part in value) for key, value in listed.items()}
        found = tuple(by_id[int(key)] for key in sorted(content["classes"], key=int))
        if not all(len(own) == 3 and all(0 <= part <= IGNORE for part in own) for own in found):
            raise ValueError
    except KeyError:
        return None
    except (ValueError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"the colours in '{file}' cannot be read", 'expected {"0": [255, 0, 0], ...}'
        ) from error
    return tuple((red, green, blue) for red, green, blue in found)


def _read_table(file: Path) -> dict[str, Any]:
    try:
        content = read_json(file)
    except (OSError, ValueError) as error:
        raise DatasetError(f"'{file}' is not a table of classes: {error}", EXPECTED) from error
    if not isinstance(content, dict):
        raise DatasetError(f"'{file}' is not a table of classes", EXPECTED)
    return content


def as_labels(pixels: npt.NDArray[np.generic], path: str) -> npt.NDArray[np.uint8]:
    """Convert pixels (C, H, W) of a label file to class ids (H, W).

    Raises:
        DatasetError: there are several channels, fractions, or ids above 255.
    """
    if len(pixels) != 1 or not np.issubdtype(pixels.dtype, np.integer):
        raise DatasetError(
            f"the labels '{path}' have {len(pixels)} channels of {pixels.dtype}",
            "expected one channel of integer class ids",
            "convert colours or probabilities to class ids",
        )
    labels = pixels[0]
    if labels.dtype != np.uint8 and labels.size:
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high > IGNORE:
            raise DatasetError(
                f"the labels '{path}' contain ids from {low} to {high}", "expected 0 to 255"
            )
    return np.asarray(labels, np.uint8)


def _find_pairs(folder: Path, labels_name: str) -> tuple[list[tuple[Path, Path]], tuple[Path, ...]]:
    """Pair images with labels, and find labels without an image; hidden files are skipped."""
    for name in ("images", labels_name):
        if not (folder / name).is_dir():
            raise DatasetError(
                f"'{folder}' has no folder '{name}'",
                f"expected images/, {labels_name}/ and classes.json",
                "check the path of the data set",
            )
    labels = _list_files(folder / labels_name, LABEL_SUFFIXES)
    images = _list_files(folder / "images", IMAGE_SUFFIXES)
    if not images:
        raise DatasetError(
            f"'{folder / 'images'}' has no image", f"expected {', '.join(IMAGE_SUFFIXES)}"
        )
    missing = [image for stem, image in images.items() if stem not in labels]
    if missing:
        raise DatasetError(
            f"{len(missing)} of {len(images)} images have no labels, the first is '{missing[0]}'",
            f"expected '{folder / labels_name / (missing[0].stem + '.png')}'",
            "add the labels or remove the image",
        )
    alone = tuple(file for stem, file in labels.items() if stem not in images)
    return [(image, labels[stem]) for stem, image in images.items()], alone


def _list_files(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """List files by stem, in order, without hidden ones such as ``._a.tif``."""
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        if file.name.startswith(".") or file.suffix.lower() not in suffixes:
            continue
        if file.stem in found:
            raise DatasetError(
                f"'{found[file.stem]}' and '{file.name}' differ only in their suffixes",
                "expected one file per name in a folder",
                "remove one of them",
            )
        found[file.stem] = file
    return found
