"""Choose the images for training and validation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fewscape.core import DatasetError
from fewscape.datasets import ClassKey, ImageSubset, LabelledImages


def skip_images(
    dataset: LabelledImages, held_out: Sequence[ClassKey], least: int
) -> LabelledImages:
    """Keep images with fewer than ``least`` pixels of held-out classes."""
    ids = [class_id for owner, class_id in held_out if owner == dataset.name]
    clean = [
        index
        for index in range(len(dataset))
        if np.count_nonzero(np.isin(dataset.read_labels(index), ids)) < least
    ]
    return ImageSubset(dataset, clean)


def split_images(
    datasets: Sequence[LabelledImages], val_share: float, spread: bool = False
) -> tuple[list[LabelledImages], list[LabelledImages]]:
    """Split the images of each data set into training and validation.

    Args:
        datasets: the images.
        val_share: share of each data set's images for validation, at least two images.
        spread: take them evenly from the whole data set instead of its end.

    Raises:
        DatasetError: a data set has too few images for both.
    """
    train: list[LabelledImages] = []
    val: list[LabelledImages] = []
    for dataset in datasets:
        total = len(dataset)
        count = max(2, round(val_share * total))
        if total - count < 2:
            raise DatasetError(
                f"the data set '{dataset.name}' has {total} images",
                "expected at least 4: a query and a support each for training and validation",
            )
        kept = {total * (2 * number + 1) // (2 * count) for number in range(count)}
        chosen = sorted(kept) if spread else range(total - count, total)
        train.append(ImageSubset(dataset, [i for i in range(total) if i not in chosen]))
        val.append(ImageSubset(dataset, chosen))
    return train, val
