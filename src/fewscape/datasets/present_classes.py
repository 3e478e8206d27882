"""Check that the classes of a data set occur in its labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fewscape.core import DatasetError
from fewscape.datasets.areas import Area
from fewscape.datasets.folder import FolderDataset

MASK_TABLE = '{"classes": {"0": "background", "255": "roof"}, "ignore": 254}'
"""``classes.json`` for masks of 0 and 255, which many programs write."""


def check_present(dataset: FolderDataset, pixels: npt.NDArray[np.int64]) -> tuple[str, ...]:
    """Find the classes without pixels.

    Args:
        dataset: the data set.
        pixels: (256,) number of pixels of each id in its labels.

    Raises:
        DatasetError: there are several classes, but fewer than two have pixels.
    """
    absent = tuple(name for number, name in dataset.classes.items() if not pixels[number])
    present = [name for name in dataset.classes.values() if name not in absent]
    if len(present) >= min(2, len(dataset.classes)):
        return absent
    ignored = pixels[dataset.ignore] / max(1, pixels.sum())
    told = f"only '{present[0]}'" if present else "none"
    raise DatasetError(
        f"of the {len(dataset.classes)} classes of '{dataset.name}', the labels show {told}",
        "at least two are needed",
        f"{ignored:.1%} of the pixels are {dataset.ignore}, which is ignored; if that is a class, "
        f"give it a name in classes.json and ignore another number, as in {MASK_TABLE}"
        if ignored
        else "correct the labels or classes.json",
    )


def count_until_all(dataset: FolderDataset, areas: Sequence[Area]) -> npt.NDArray[np.int64]:
    """Count the pixels (256,) of each id; stops once every class is found."""
    pixels = np.zeros(256, np.int64)
    for area in areas:
        pixels += np.bincount(dataset.read_labels(area.image, area.window).ravel(), minlength=256)
        if pixels[list(dataset.classes)].all():
            break
    return pixels
