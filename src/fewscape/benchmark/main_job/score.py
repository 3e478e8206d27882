"""How good a map is, away from what was drawn."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fewscape.core import IGNORE
from fewscape.mapping.examples.reserved_names import fold_case

NOTHING = -1
"""In a map read back: none of the classes that the truth knows."""

Found = npt.NDArray[np.int16]
Labels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

TAG = "CLASS_"
"""Before the value of each class in the tags of a map."""


def read_map(path: Path, class_names: Mapping[int, str]) -> Found:
    """(H, W) of a class map that ``fewscape map`` wrote, in the class ids of the truth.

    Args:
        path: the class map.
        class_names: of the truth; background of the map is ``NOTHING`` unless it is listed.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path) as file:
            values, tags = file.read(1), file.tags(1)
    ids = {fold_case(name): number for number, name in class_names.items()}
    table = np.full(256, NOTHING, np.int16)
    for tag, name in tags.items():
        if tag.startswith(TAG):
            table[int(tag.removeprefix(TAG))] = ids.get(fold_case(name), NOTHING)
    found: Found = table[values]
    return found


def score_iou(
    found: Found, truth: Labels, drawn: Mask, classes: Sequence[int]
) -> dict[int, float | None]:
    """IoU of classes over the labelled pixels that were not drawn.

    Args:
        found: (H, W) of ``read_map``.
        truth: (H, W) with 255 for unknown.
        drawn: (H, W) pixels that do not count.
        classes: ids.

    Returns:
        Numbers in [0, 1]; None for a class of which nothing is left to find.

    Examples:
        >>> found, truth = np.array([[0, 1, 1]], np.int16), np.array([[0, 0, 1]], np.uint8)
        >>> score_iou(found, truth, np.zeros((1, 3), bool), [0, 1])
        {0: 0.5, 1: 0.5}
    """
    counts = (truth != IGNORE) & ~drawn
    scores: dict[int, float | None] = {}
    for number in classes:
        ours, theirs = (found == number) & counts, (truth == number) & counts
        scores[number] = (
            float((ours & theirs).sum() / (ours | theirs).sum()) if theirs.any() else None
        )
    return scores


def score_false(found: Found, truth: Labels, number: int) -> float:
    """Share in [0, 1] of the labelled pixels that are mapped as a class that is not there."""
    known = truth != IGNORE
    return float((found == number)[known].mean())
