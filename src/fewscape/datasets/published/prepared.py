"""A prepared data set: the generic layout, with splits, colours and a report."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from fewscape.core import IGNORE, DatasetError, OutputError
from fewscape.datasets.areas import SPLITS
from fewscape.datasets.published.archives import SourceFile
from fewscape.datasets.published.colour_labels import Colour

CLASSES = "classes.json"
TILE = 256
"""Side of the blocks of label files, so that a crop reads little of a large one."""

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ClassTable:
    """Classes of a published data set."""

    names: tuple[str, ...]
    """In the order of the ids, from 0."""
    colours: tuple[Colour, ...]
    """To draw them with."""
    unscored: tuple[str, ...] = ()
    """Left out from the published means."""


@dataclass(slots=True)
class PrepareReport:
    """What was found."""

    images: Counter[str] = field(default_factory=Counter)
    """Images by split."""
    expected: Mapping[str, int] = field(default_factory=dict)
    """Images by split in the official data."""
    unlisted: Counter[str] = field(default_factory=Counter)
    """Pixels with colours of no class, by file."""
    pairs: dict[str, Counter[str]] = field(default_factory=dict)
    """Images that show each class, by split."""
    expected_pairs: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Likewise in the published lists."""

    def count(self, split: str, ids: Bytes, names: Sequence[str]) -> None:
        """Take note of an image by its labels (H, W)."""
        self.images[split] += 1
        present = (names[number] for number in np.unique(ids) if number < len(names))
        self.pairs.setdefault(split, Counter()).update(present)

    def tell(self) -> list[str]:
        """Lines for people."""
        lines = []
        for split, count in self.expected.items():
            found = self.images[split]
            lines.append(f"{split}: {found} of {count} images")
        lines += tell_pairs(self.pairs, self.expected_pairs)
        if self.unlisted:
            pixels = sum(self.unlisted.values())
            lines.append(
                f"{pixels} pixels in {len(self.unlisted)} label files have a colour of no class; "
                f"they are ignored (first: {next(iter(self.unlisted))})"
            )
        return lines


def tell_pairs(
    found: Mapping[str, Mapping[str, int]], expected: Mapping[str, Mapping[str, int]]
) -> list[str]:
    """Lines on classes that fewer or more images show than the published lists say."""
    lines = []
    for split, counts in expected.items():
        own = found.get(split, {})
        apart = [name for name, count in counts.items() if own.get(name, 0) != count]
        total = sum(counts.values())
        seen = sum(own.get(name, 0) for name in counts)
        lines.append(f"{split}: {seen} of {total} pairs of image and class")
        lines += [f"  {name}: {own.get(name, 0)} of {counts[name]}" for name in apart]
    return lines


class PreparedWriter:
    """Writes images, labels and, last of all, ``classes.json``, which makes the folder complete.

    Args:
        folder: made if absent.
        table: of the classes.
        on_image: called with the name of every image that was written.

    Raises:
        DatasetError: the folder holds a complete data set already.
        OutputError: it cannot be written.
    """

    def __init__(
        self, folder: Path, table: ClassTable, on_image: Callable[[str], None] = lambda name: None
    ) -> None:
        if (folder / CLASSES).exists():
            raise DatasetError(
                f"'{folder}' already holds a data set",
                "expected a new folder, or one that an interrupted run left",
                "choose another --output, or delete the folder",
            )
        self.folder = folder
        self.table = table
        self.on_image = on_image
        self.splits: dict[str, list[str]] = {}
        self.pairs: Mapping[str, Mapping[str, int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, OSError):
            raise OutputError(
                f"'{self.folder}' cannot be written: {error.strerror}",
                "the data set is incomplete",
                "free some space and run the command again",
            ) from error
        if error is None:
            self._finish()

    def add(self, stem: str, suffix: str, image: SourceFile, labels: Mapping[str, Bytes]) -> None:
        """Copy an image and write its labels.

        Args:
            stem: name without suffix.
            suffix: of the image file.
            image: the original, copied byte by byte.
            labels: (H, W) ids by the name of the labels' folder.
        """
        (self.folder / "images").mkdir(parents=True, exist_ok=True)
        image.copy(self.folder / "images" / f"{stem}{suffix}")
        for name, ids in labels.items():
            (self.folder / name).mkdir(exist_ok=True)
            _write_labels(self.folder / name / f"{stem}.tif", ids)
        self.on_image(stem)

    def _finish(self) -> None:
        for name, content in (
            (SPLITS, self.splits),
            (
                CLASSES,
                {
                    "classes": {str(n): name for n, name in enumerate(self.table.names)},
                    "ignore": IGNORE,
                    "colours": {str(n): list(c) for n, c in enumerate(self.table.colours)},
                    "unscored": list(self.table.unscored),
                    **({"published_pairs": self.pairs} if self.pairs else {}),
                },
            ),
        ):
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def read_picture(file: SourceFile) -> Bytes:
    """(H, W, C) pixels of a PNG or TIFF file.

    Raises:
        DatasetError: it is damaged.
    """
    from rasterio.errors import RasterioError
    from rasterio.io import MemoryFile

    from fewscape.raster.gdal import read_strictly

    try:
        with (
            _expect_no_georeference(),
            read_strictly(),
            MemoryFile(file.read()) as memory,
            memory.open() as opened,
        ):
            pixels: Bytes = opened.read().transpose(1, 2, 0)
    except (RasterioError, OSError, EOFError) as error:
        raise DatasetError(
            f"'{file.path}' cannot be read: {error}", "it is damaged", "download it again"
        ) from error
    return pixels


def check_size(stem: str, image: Sequence[int], labels: Sequence[int]) -> None:
    """See that an image and its labels have one size.

    Raises:
        DatasetError: they differ.
    """
    if tuple(image) != tuple(labels):
        raise DatasetError(
            f"the labels of '{stem}' have {labels[0]} x {labels[1]} pixels",
            f"the image has {image[0]} x {image[1]}",
            "the download is damaged or mixed up; fetch it again",
        )


def _write_labels(path: Path, ids: Bytes) -> None:
    import rasterio
    from rasterio.errors import RasterioIOError

    blocks = {"tiled": True, "blockxsize": TILE, "blockysize": TILE}
    try:
        with (
            _expect_no_georeference(),
            rasterio.open(
                path,
                "w",
                driver="GTiff",
                count=1,
                dtype="uint8",
                height=ids.shape[0],
                width=ids.shape[1],
                compress="deflate",
                **(blocks if min(ids.shape) >= TILE else {}),
            ) as target,
        ):
            target.write(ids, 1)
    except RasterioIOError as error:
        raise OutputError(f"'{path}' cannot be written: {error}", "", "free some space") from error


@contextmanager
def _expect_no_georeference() -> Iterator[None]:
    import warnings

    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield
