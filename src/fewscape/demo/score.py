"""How good the demo's map is, away from what was drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from fewscape.core import IGNORE
from fewscape.raster.gdal import open_raster

Labels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


def read_classes(path: Path) -> Labels:
    """(H, W) of a class map."""
    with open_raster(path) as dataset:
        return np.asarray(dataset.read(1))


def score_map(path: Path, truth: Labels, drawn: Mask) -> list[float]:
    """IoU of every class of the truth over the scene without what was drawn.

    Args:
        path: class map.
        truth: (H, W) in the ids of the map: 0 background, 1 to K the classes.
        drawn: (H, W) pixels that do not count.

    Returns:
        K numbers in [0, 1]; nan for a class that neither map nor truth has.
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
