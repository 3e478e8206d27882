"""Pack labelled crops into one small file, for training without the data sets."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from fewscape.core import DatasetError, Window, write_whole
from fewscape.datasets.folder import FolderDataset

SIDE = 512
"""Longest side of a crop, pixels."""

QUALITY = 92
"""JPEG quality of a crop's image."""

MOST_BYTES = 45_000_000
"""Maximum bytes of a pack, so that it can be copied with a program."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A labelled piece of an image."""

    source: str
    """Name of its data set."""
    image: npt.NDArray[np.uint8]
    """(H, W, 3)."""
    labels: npt.NDArray[np.uint8]
    """(H, W); 255 unknown."""


def write_pack(
    folders: Sequence[Path | str],
    output: Path | str,
    crops: int = 24,
    most_bytes: int = MOST_BYTES,
    seed: int = 0,
) -> dict[str, int]:
    """Write crops of data sets, equally many of each, to one ``.npz`` file.

    Crops are random: an image, then a position in it. The first three bands are kept.

    Args:
        folders: data sets with ``images``, ``labels`` and ``classes.json``.
        output: file to write.
        crops: crops per data set; fewer if the file would become too large.
        most_bytes: maximum size of the file in bytes.
        seed: random seed.

    Returns:
        Number of crops by data set.

    Raises:
        DatasetError: a data set cannot be read, has fewer than three bands or 16-bit images.
    """
    queues = [(path, _draw_crops(Path(path), seed)) for path in folders]
    arrays: dict[str, npt.NDArray[np.uint8]] = {}
    names: list[str] = []
    counts: dict[str, int] = {}
    total = 0
    for _ in range(crops):
        coded = [(Path(path).name, *_encode(next(queue))) for path, queue in queues]
        total += sum(len(image) + len(labels) for _, image, labels in coded)
        if total > most_bytes:
            break
        for name, image, labels in coded:
            arrays[f"image{len(names)}"] = np.frombuffer(image, np.uint8)
            arrays[f"labels{len(names)}"] = np.frombuffer(labels, np.uint8)
            names.append(name)
            counts[name] = counts.get(name, 0) + 1
    arrays["sources"] = np.frombuffer(json.dumps(names).encode(), np.uint8)
    with write_whole(Path(output)) as draft, draft.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    return counts


def read_pack(path: Path | str) -> Iterator[Crop]:
    """Read the crops of a pack in the order of writing."""
    with np.load(path, allow_pickle=False) as pack:
        for number, name in enumerate(json.loads(pack["sources"].tobytes())):
            image, labels = (
                np.array(Image.open(io.BytesIO(pack[f"{kind}{number}"].tobytes())))
                for kind in ("image", "labels")
            )
            yield Crop(name, image, labels)


def _draw_crops(folder: Path, seed: int) -> Iterator[Crop]:
    """Yield crops endlessly; an image repeats only after all others."""
    dataset = FolderDataset(folder)
    generator = np.random.default_rng(seed)
    while True:
        for index in generator.permutation(len(dataset)).tolist():
            height, width = dataset.size(index)
            rows, cols = min(SIDE, height), min(SIDE, width)
            window = Window(
                int(generator.integers(height - rows + 1)),
                int(generator.integers(width - cols + 1)),
                rows,
                cols,
            )
            image = dataset.read_image(index, window)
            if len(image) < 3 or image.dtype != np.uint8:
                raise DatasetError(
                    f"'{dataset.image_path(index)}' has {len(image)} bands of {image.dtype}",
                    "a pack needs 8-bit colour images",
                    "convert the images, or leave out the data set",
                )
            yield Crop(
                folder.name,
                np.ascontiguousarray(image[:3].transpose(1, 2, 0)).astype(np.uint8),
                dataset.read_labels(index, window),
            )


def _encode(crop: Crop) -> tuple[bytes, bytes]:
    """Encode the image as JPEG and the labels as PNG."""
    image, labels = io.BytesIO(), io.BytesIO()
    Image.fromarray(crop.image).save(image, "JPEG", quality=QUALITY, subsampling=0)
    Image.fromarray(crop.labels).save(labels, "PNG", optimize=True)
    return image.getvalue(), labels.getvalue()
