"""Labelled crops as cells in small discs: what a metric learns from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from fewscape.core import IGNORE
from fewscape.models.ensemble.deep_features import CELL, DeepFeatures
from fewscape.models.experts import Scaling
from fewscape.ops import resize_maps

LEAST_CELLS = 150
"""Of a class in a crop; smaller ones teach nothing."""

DISCS, DISC_CELLS = 24, 40
"""Of each class, like polygons that a user draws, and cells drawn from each."""

LEAST_RADIUS, MOST_RADIUS = 6.0, 18.0
"""Of a disc, cells."""

QUERIES = 800
"""Cells of each class from all over the crop."""

SIZES = (1.0, 0.5, 0.71)
"""To which crops are shrunk, one after another: other ground resolutions."""

UNIT = 32
"""Sides of crops are cut to multiples of this."""

Crops = Iterable[tuple[str, npt.NDArray[np.uint8], npt.NDArray[np.uint8]]]
"""Name of the data set, image (H, W, 3) and labels (H, W) with 255 for unknown."""


@dataclass(frozen=True, slots=True)
class LabelledCells:
    """Cells of the K classes of one crop, features scaled over the crop."""

    source: str
    """Name of the data set."""
    discs: torch.Tensor
    """(K, DISCS, DISC_CELLS, D), float16."""
    queries: torch.Tensor
    """(K, QUERIES, D), float16."""


def sample_cells(crops: Crops, deep: DeepFeatures, seed: int = 0) -> Iterator[LabelledCells]:
    """Each crop in ``SIZES``, turned; all but the first size recoloured.

    Crops in which fewer than two classes have ``LEAST_CELLS`` give nothing.

    Args:
        crops: see ``Crops``.
        deep: the features.
        seed: random seed.
    """
    generator = np.random.default_rng(seed)
    for source, image, labels in crops:
        pixels = (image.transpose(2, 0, 1) / 255).astype(np.float32)
        for size in SIZES:
            changed, known = _resize(pixels, labels, size)
            turns = int(generator.integers(4))
            changed, known = np.rot90(changed, turns, (1, 2)), np.rot90(known, turns)
            if size != SIZES[0]:
                changed = _recolour(changed, generator)
            rows, cols = (side // UNIT * UNIT for side in known.shape)
            if not rows * cols:
                continue
            cells = _sample(source, changed[:, :rows, :cols], known[:rows, :cols], deep, generator)
            if cells is not None:
                yield cells


def _sample(
    source: str,
    pixels: npt.NDArray[np.float32],
    labels: npt.NDArray[np.uint8],
    deep: DeepFeatures,
    generator: np.random.Generator,
) -> LabelledCells | None:
    """Of one crop; the upper left pixel of a cell gives its class."""
    classes = labels[::CELL, ::CELL]
    numbers, counts = np.unique(classes[classes != IGNORE], return_counts=True)
    wanted = numbers[counts >= LEAST_CELLS]
    if len(wanted) < 2:
        return None
    with torch.inference_mode():
        features = deep(torch.from_numpy(np.ascontiguousarray(pixels))[None])
    values = features[0].flatten(1).T.numpy()  # (N, D)
    scaled = torch.from_numpy(Scaling.measure(values).apply(values)).half()
    discs, queries = [], []
    for number in wanted:
        discs.append(np.stack([_draw_disc(classes == number, generator) for _ in range(DISCS)]))
        queries.append(generator.choice(np.flatnonzero(classes == number), QUERIES))
    return LabelledCells(source, scaled[np.stack(discs)], scaled[np.stack(queries)])


def _draw_disc(
    belongs: npt.NDArray[np.bool_], generator: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Flat places of cells of the class in a disc around one of them; some come twice."""
    own = np.flatnonzero(belongs)
    rows, cols = np.divmod(own, belongs.shape[1])
    centre = generator.integers(len(own))
    radius = generator.uniform(LEAST_RADIUS, MOST_RADIUS)
    distance = (rows - rows[centre]) ** 2 + (cols - cols[centre]) ** 2
    drawn: npt.NDArray[np.int64] = generator.choice(own[distance <= radius**2], DISC_CELLS)
    return drawn


def _resize(
    pixels: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8], size: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """The image averaged, the labels by nearest neighbour."""
    rows, cols = (max(1, round(side * size)) for side in labels.shape)
    shrunk = resize_maps(torch.from_numpy(pixels)[None], (rows, cols), antialias=True)[0].numpy()
    row = np.arange(rows) * labels.shape[0] // rows
    col = np.arange(cols) * labels.shape[1] // cols
    return shrunk, labels[row[:, None], col]


def _recolour(
    pixels: npt.NDArray[np.float32], generator: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Another gamma, other gains; sometimes bands exchanged, noise, or grey."""
    changed = pixels ** generator.uniform(0.7, 1.4)
    changed = changed * generator.uniform(0.8, 1.2, (3, 1, 1)) * generator.uniform(0.7, 1.1)
    if generator.random() < 0.25:
        changed = changed[generator.permutation(3)]
    if generator.random() < 0.25:
        changed = changed + generator.normal(0, generator.uniform(0.005, 0.03), changed.shape)
    if generator.random() < 0.1:
        changed = np.repeat(changed.mean(axis=0, keepdims=True), 3, axis=0)
    return changed.clip(0, 1).astype(np.float32)
