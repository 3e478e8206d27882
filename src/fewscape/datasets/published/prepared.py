"""Write a prepared data set in the generic layout, with splits and colours."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from fewscape.core import IGNORE, DatasetError, OutputError, write_bytes
from fewscape.datasets.areas import SPLITS
from fewscape.datasets.folder import CLASSES, PREPARING
from fewscape.datasets.lists import LISTS, PairLists
from fewscape.datasets.published.archives import SourceFile
from fewscape.datasets.published.colour_labels import Colour

TILE = 256
"""Block side of label files, so that a crop of a large file is cheap."""

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ClassTable:
    """Classes of a published data set."""

    names: tuple[str, ...]
    """Names in the order of the ids, from 0."""
    colours: tuple[Colour, ...]
    """Colours of the classes."""
    unscored: tuple[str, ...] = ()
    """Classes excluded from the published means."""


class PreparedWriter:
    """Writes images, labels and finally ``classes.json``, which completes the folder.

    Until then the folder has ``preparing.txt`` with the command to run again. Files of an
    interrupted run are deleted first, so that no image of other options remains.

    Args:
        folder: output folder, created if absent.
        table: table of the classes.
        on_image: called with the name of every written image.
        command: command that makes this data set.

    Raises:
        DatasetError: the folder has a complete data set already, or images of another origin.
        OutputError: it cannot be written.
    """

    def __init__(
        self, folder: Path, table: ClassTable, on_image: Callable[[str], None], command: str
    ) -> None:
        self.folder = folder
        self.table = table
        self.on_image = on_image
        self.command = command
        self.splits: dict[str, list[str]] = {}
        self.pairs: Mapping[str, Mapping[str, int]] = {}
        self.lists: Mapping[str, PairLists] = {}
        self._added: set[str] = set()
        leftovers = _find_leftovers(folder)
        if (folder / CLASSES).exists() or (leftovers and not (folder / PREPARING).exists()):
            raise DatasetError(
                f"'{folder}' already has a data set"
                if (folder / CLASSES).exists()
                else f"'{folder}' already has '{leftovers[0].name}'",
                "expected a new folder, or one of an interrupted run",
                "choose another --output, or delete the folder",
            )

    def __enter__(self) -> Self:
        with self._report_errors():
            for path in _find_leftovers(self.folder):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            with self._report_errors():
                self._finish()

    def add(self, stem: str, suffix: str, image: SourceFile, labels: Mapping[str, Bytes]) -> None:
        """Copy an image and write its labels.

        Args:
            stem: name without suffix.
            suffix: suffix of the image file.
            image: the original, copied unchanged.
            labels: (H, W) ids by the name of the labels' folder.

        Raises:
            DatasetError: an image of this name was added already.
            OutputError: the files cannot be written.
        """
        if stem in self._added:
            raise DatasetError(
                f"the download has the image '{stem}' twice, the second time as '{image.path}'",
                "expected each once",
                "keep only one copy of the download in --source",
            )
        self._added.add(stem)
        with self._report_errors():
            self._begin()
            (self.folder / "images").mkdir(exist_ok=True)
            image.copy(self.folder / "images" / f"{stem}{suffix}")
            for name, ids in labels.items():
                (self.folder / name).mkdir(exist_ok=True)
                _write_labels(self.folder / name / f"{stem}.tif", ids)
        self.on_image(stem)

    def _begin(self) -> None:
        note = self.folder / PREPARING
        if not note.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            note.write_text(self.command + "\n", "utf-8")

    def _finish(self) -> None:
        self._begin()
        self._write(SPLITS, self.splits)
        if self.lists:
            self._write(LISTS, self.lists)
        self._write(
            CLASSES,
            {
                "classes": {str(n): name for n, name in enumerate(self.table.names)},
                "ignore": IGNORE,
                "colours": {str(n): list(c) for n, c in enumerate(self.table.colours)},
                "unscored": list(self.table.unscored),
                **({"published_pairs": self.pairs} if self.pairs else {}),
            },
        )
        (self.folder / PREPARING).unlink()

    def _write(self, name: str, content: object) -> None:
        """Write atomically."""
        write_bytes(self.folder / name, (json.dumps(content, indent=1) + "\n").encode())

    @contextmanager
    def _report_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"'{self.folder}' cannot be written: {error.strerror}",
                "the data set is incomplete",
                "free some space and run the command again",
            ) from error


def _find_leftovers(folder: Path) -> list[Path]:
    """Find files of earlier runs."""
    names = ("images", "labels", "labels_*", SPLITS, LISTS)
    return [path for name in names for path in sorted(folder.glob(name))]


def read_picture(file: SourceFile) -> Bytes:
    """Read the pixels (H, W, C) of a PNG or TIFF file.

    Raises:
        DatasetError: it is damaged.
    """
    from rasterio.errors import RasterioError
    from rasterio.io import MemoryFile

    from fewscape.raster.gdal import read_strictly
    from fewscape.raster.opening.picture_kinds import find_driver

    try:
        content = file.read()
        driver = find_driver(content)
        if driver is None:
            raise OSError("it is not an image")
        with (
            _expect_no_georeference(),
            read_strictly(),
            MemoryFile(content) as memory,
            memory.open(driver=driver) as opened,
        ):
            pixels: Bytes = opened.read().transpose(1, 2, 0)
    except (RasterioError, OSError, EOFError) as error:
        raise DatasetError(
            f"'{file.path}' cannot be read: {error}", "it is damaged", "download it again"
        ) from error
    return pixels


def check_size(stem: str, image: Sequence[int], labels: Sequence[int]) -> None:
    """Check that an image and its labels have the same size.

    Raises:
        DatasetError: they differ.
    """
    if tuple(image) != tuple(labels):
        raise DatasetError(
            f"the labels of '{stem}' have {labels[0]} x {labels[1]} pixels",
            f"the image has {image[0]} x {image[1]}",
            "the download is damaged or mixed up; download it again",
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
