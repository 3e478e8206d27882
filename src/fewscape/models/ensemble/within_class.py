"""How features vary within a class, measured on labelled scenes: what the ensemble learns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import torch

from fewscape.core import IGNORE, DatasetError
from fewscape.models.ensemble.deep_features import CELL, DeepFeatures
from fewscape.models.experts import Scaling

LEAST_CELLS = 200
"""Of a class in a crop; fewer do not show how it varies."""

MOST_CELLS = 6000
"""Of a class in a crop; more would not show it better."""

UNIT = 32
"""Sides of crops are cut to multiples of this."""


def measure_within(
    crops: Iterable[tuple[str, npt.NDArray[np.uint8], npt.NDArray[np.uint8]]], deep: DeepFeatures
) -> tuple[npt.NDArray[np.float64], dict[str, int]]:
    """The mean covariance of scaled features within a class.

    Each class of a crop counts the same, then each crop of a data set, then each data set.

    Args:
        crops: name of the data set, image (H, W, 3) and labels (H, W) with 255 for unknown.
        deep: the features, which are scaled to mean 0 and deviation 1 over each crop.

    Returns:
        (D, D), and the number of crops that counted by name of the data set.

    Raises:
        DatasetError: no crop counts.
    """
    sums: dict[str, npt.NDArray[np.float64]] = {}
    counts: dict[str, int] = {}
    for name, image, labels in crops:
        covariance = _measure_crop(image, labels, deep)
        if covariance is None:
            continue
        sums[name] = sums.get(name, np.zeros_like(covariance)) + covariance
        counts[name] = counts.get(name, 0) + 1
    if not counts:
        raise DatasetError(
            f"no class of any crop covers {LEAST_CELLS} cells of {CELL} x {CELL} pixels",
            "there is nothing to learn from",
            "pack data sets with larger images, or leave fewer of them out",
        )
    return np.mean([sums[name] / counts[name] for name in sums], axis=0), counts


def _measure_crop(
    image: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], deep: DeepFeatures
) -> npt.NDArray[np.float64] | None:
    """Of one crop; None where no class has enough cells."""
    rows, cols = (side // UNIT * UNIT for side in labels.shape)
    if not rows * cols:
        return None
    pixels = torch.from_numpy(image[:rows, :cols].transpose(2, 0, 1) / np.float32(255))
    with torch.inference_mode():
        features = deep(pixels[None])[0].flatten(1).T.numpy()  # (N, D)
    scaled = Scaling.measure(features).apply(features)
    classes = labels[:rows:CELL, :cols:CELL].ravel()
    found = [
        np.cov(_thin(scaled[classes == number]).T)
        for number, count in _count(classes).items()
        if count >= LEAST_CELLS
    ]
    return np.mean(found, axis=0) if found else None


def _count(classes: npt.NDArray[np.uint8]) -> Mapping[int, int]:
    numbers, counts = np.unique(classes[classes != IGNORE], return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


def _thin(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Every n-th cell, at most ``MOST_CELLS`` or a few more."""
    return values[:: max(1, len(values) // MOST_CELLS)]
