"""Scenes of a labelled folder that a user could want to map: which ones, and which part of them."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fewscape.benchmark.main_job.simulated_user import wanted_classes
from fewscape.core import IGNORE, DatasetError, Window
from fewscape.datasets import FolderDataset
from fewscape.datasets.image_files import ImageFiles

LARGEST = 640
"""Side of a scene; of a larger image a part is used."""

STEP = 80
"""Pixels between the places that are tried for that part."""

LEAST_CLASSES = 2
"""Of a scene that are wanted; with fewer there is nothing to tell apart."""

NIR = "+nir"
"""Behind the name of a folder: its ``nir/`` is a fourth band."""

BAND_NAMES = ("red", "green", "blue", "nir")

Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class JobScene:
    """Pixels to map and the truth to score them with."""

    dataset: str
    """Of the folder, with ``+nir`` if its near infrared is used."""
    name: str
    pixels: npt.NDArray[Any]
    """(C, H, W) as in the files."""
    labels: Labels
    """(H, W) class ids, 255 for unknown."""
    class_names: Mapping[int, str]

    @property
    def wanted(self) -> list[int]:
        """Ids of the classes that a user asks for."""
        return wanted_classes(self.labels)

    def make_generator(self, seed: int, *words: object) -> np.random.Generator:
        """Chance that is the same for this scene with and without its near infrared."""
        place = (self.dataset.removesuffix(NIR), self.name, *words)
        return np.random.default_rng([seed, _number("/".join(map(str, place)))])

    def write(self, path: Path) -> None:
        """A GeoTIFF without reference system."""
        import rasterio
        from rasterio.errors import NotGeoreferencedWarning

        count, height, width = self.pixels.shape
        shape = {"count": count, "height": height, "width": width, "dtype": self.pixels.dtype}
        colour = {"photometric": "RGB", "alpha": "NO"} if count > len(BAND_NAMES) - 2 else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path, "w", driver="GTiff", **shape, **colour) as file:
                file.write(self.pixels)
                if count in (3, 4):
                    file.descriptions = BAND_NAMES[:count]


def choose_scenes(folder: Path | str, count: int, seed: int = 0) -> list[JobScene]:
    """Some scenes of a labelled folder, the same ones whenever they are asked for.

    Args:
        folder: with ``images``, ``labels`` and ``classes.json``; ``+nir`` behind it takes the
            single-channel files of the same names in its ``nir`` as a fourth band.
        count: how many at most; those of a smaller count are the first of a larger one.
        seed: of the choice.

    Returns:
        Scenes with at least two wanted classes, at most 640 pixels high and wide.

    Raises:
        DatasetError: the folder is not as described, or no image has two wanted classes.
    """
    text = str(folder)
    path = Path(text.removesuffix(NIR))
    dataset = FolderDataset(path, cache_bytes=0)
    order = np.random.default_rng([seed, _number(dataset.name)]).permutation(len(dataset))
    scenes: list[JobScene] = []
    for index in order:
        labels = dataset.read_labels(int(index))
        labels = np.where(labels == dataset.ignore, IGNORE, labels).astype(np.uint8)
        window = find_part(labels)
        if len(wanted_classes(labels[window.slices])) < LEAST_CLASSES:
            continue
        pixels = dataset.read_image(int(index), window)
        stem = Path(dataset.image_path(int(index))).stem
        if text.endswith(NIR):
            pixels = np.concatenate([pixels, _read_nir(path, stem, window, pixels)])
        name = dataset.name + (NIR if text.endswith(NIR) else "")
        scenes.append(JobScene(name, stem, pixels, labels[window.slices], dataset.classes))
        if len(scenes) == count:
            break
    if not scenes:
        raise DatasetError(
            f"no image of '{path}' shows two classes",
            f"each must cover 1 % of the labelled pixels of {LARGEST} x {LARGEST} pixels",
            "choose another data set",
        )
    return scenes


def find_part(labels: Labels, largest: int = LARGEST) -> Window:
    """The part of an image with the most wanted classes, then with the most labelled pixels.

    Args:
        labels: (H, W) with 255 for unknown.
        largest: side of the part.
    """
    height, width = (min(size, largest) for size in labels.shape)
    best, found = (-1, -1), Window(0, 0, height, width)
    for row, col in _places(labels.shape, (height, width)):
        window = Window(row, col, height, width)
        part = labels[window.slices]
        worth = (len(wanted_classes(part)), int((part != IGNORE).sum()))
        if worth > best:
            best, found = worth, window
    return found


def _places(shape: tuple[int, ...], size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    ends = [whole - part for whole, part in zip(shape, size, strict=True)]
    for row in sorted({*range(0, ends[0], STEP), ends[0]}):
        for col in sorted({*range(0, ends[1], STEP), ends[1]}):
            yield row, col


def _read_nir(
    folder: Path, stem: str, window: Window, pixels: npt.NDArray[Any]
) -> npt.NDArray[Any]:
    """(1, H, W) of the file of the same name.

    Raises:
        DatasetError: there is none, or it has other pixels.
    """
    files = sorted((folder / "nir").glob(f"{stem}.*"))
    if not files:
        raise DatasetError(
            f"'{folder}' has no near infrared of '{stem}'",
            f"expected '{folder / 'nir' / stem}' with any suffix of an image",
            f"add it, or give the folder without {NIR}",
        )
    nir = ImageFiles(folder / "nir", cache_bytes=0).read(files[0].name, window)
    if nir.shape[0] != 1 or nir.dtype != pixels.dtype:
        raise DatasetError(
            f"the near infrared '{files[0]}' has {nir.shape[0]} channels of {nir.dtype}",
            f"expected one of {pixels.dtype}",
            f"convert it, or give the folder without {NIR}",
        )
    return nir


def _number(text: str) -> int:
    return zlib.crc32(text.encode())
