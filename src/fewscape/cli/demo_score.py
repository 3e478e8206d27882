"""How good the demo's map is, away from what the network was shown."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fewscape.core import IGNORE, Window
from fewscape.raster.gdal import open_raster

Labels = npt.NDArray[np.uint8]


def read_classes(path: Path) -> Labels:
    """(H, W) of a class map."""
    with open_raster(path) as dataset:
        return np.asarray(dataset.read(1))


def score_map(path: Path, truth: Labels, hidden: Iterable[Window]) -> list[float]:
    """IoU of every class of the truth over the whole scene without the hidden windows.

    Args:
        path: class map.
        truth: (H, W) in the ids of the map: 0 background, 1 to K the classes.
        hidden: windows that count nowhere.

    Returns:
        K numbers in [0, 1]; nan for a class that neither map nor truth has.
    """
    known = truth.copy()
    for window in hidden:
        known[window.slices] = IGNORE
    classes = read_classes(path)
    return [_score(classes, known, number) for number in range(1, int(truth.max()) + 1)]


def _score(classes: Labels, truth: Labels, number: int) -> float:
    import torch

    from fewscape.metrics import count_overlap, divide_overlap

    mask = np.where(truth == IGNORE, IGNORE, truth == number).astype(np.uint8)
    found = torch.from_numpy(classes == number)[None]
    intersection, union = count_overlap(found, torch.from_numpy(mask)[None])
    return float(divide_overlap(intersection, union)[0, 1])
