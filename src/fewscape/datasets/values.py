"""Value statistics of training images, to compare with scenes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from fewscape.datasets.base import LabelledImages
from fewscape.datasets.stretch import RgbScaler
from fewscape.raster import ValueRanges

MOST_IMAGES = 32
"""Number of images to measure over all data sets."""

MOST_PIXELS = 1 << 14
"""Pixels of each."""


def measure_images(images: Iterable[npt.NDArray[np.uint8]]) -> ValueRanges:
    """Measure the value ranges of images (3, H, W), with 255 as 1."""
    samples = []
    for image in images:
        pixels = image.reshape(len(image), -1)
        samples.append(pixels[:, :: -(-pixels.shape[1] // MOST_PIXELS)].copy())
    return ValueRanges.measure(np.concatenate(samples, axis=1) / 255)


def pick_images(datasets: Sequence[LabelledImages]) -> Iterator[npt.NDArray[np.uint8]]:
    """Pick images (3, H, W) evenly from data sets."""
    scaler = RgbScaler()
    everything = [(dataset, index) for dataset in datasets for index in range(len(dataset))]
    for at in pick_evenly(len(everything)):
        dataset, index = everything[at]
        yield scaler(
            f"{dataset.name}/{dataset.image_path(index)}",
            dataset.read_image(index),
            partial(dataset.read_image, index),
        )


def pick_evenly(count: int, most: int = MOST_IMAGES) -> list[int]:
    """Pick evenly spaced numbers below ``count``.

    Examples:
        >>> pick_evenly(10, 3)
        [0, 4, 9]
    """
    return sorted(set(np.linspace(0, count - 1, min(count, most)).astype(int).tolist()))
