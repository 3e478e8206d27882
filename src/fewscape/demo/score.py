"""Score the demo's map outside the examples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from fewscape.core import IGNORE
from fewscape.raster.gdal import open_raster

Labels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


def read_classes(path: Path) -> Labels:
    """Read a class map (H, W)."""
    with open_raster(path) as dataset:
        return np.asarray(dataset.read(1))


def score_map(path: Path, truth: Labels, drawn: Mask) -> list[float]:
    """IoU of every class outside the examples.

    Args:
        path: class map.
        truth: labels (H, W) with the ids of the map: 0 background, 1 to K the classes.
        drawn: (H, W) pixels to ignore.

    Returns:
        K numbers in [0, 1]; nan for a class in neither map nor labels.
    """
    classes = read_classes(path)
    known = np.where(drawn, IGNORE, truth)
    return [_score(classes, known, number) for number in range(1, int(truth.max()) + 1)]


def _score(classes: Labels, truth: Labels, number: int) -> float:
    import torch

    from fewscape.metrics import count_overlap, divide_overlap

    mask = np.where(truth == IGNORE, IGNORE, truth == number).astype(np.uint8)
    found = torch.from_numpy(classes == number)[None]
    intersection, union = count_overlap(found, torch.from_numpy(mask)[None])
    return float(divide_overlap(intersection, union)[0, 1])
