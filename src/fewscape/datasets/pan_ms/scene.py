"""A pair with labelled pixels as network input, and splits of its ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from fewscape.core import DatasetError
from fewscape.datasets.pan_ms.scale import PairScale
from fewscape.raster import PanMsPair
from fewscape.regions import segment_pan

GAP = 16
"""Gap between training and test ground, multispectral pixels: the width of a window."""


@dataclass(frozen=True, slots=True)
class PixelScene:
    """Tensors of a scene and its labelled pixels."""

    ms: torch.Tensor
    """(C, h, w) normalised."""
    pan: torch.Tensor
    """(1, H, W) normalised."""
    regions: torch.Tensor
    """(H, W) int32 superpixels."""
    pixels: torch.Tensor
    """(N, 2) row and column of the labelled pixels."""
    labels: torch.Tensor
    """(N,) their classes, from 1."""

    @classmethod
    def make(
        cls,
        pair: PanMsPair,
        labels: npt.NDArray[np.integer],
        scale: PairScale,
        regions: npt.NDArray[np.integer] | None = None,
    ) -> PixelScene:
        """Normalise a pair and segment it into superpixels.

        Args:
            pair: the images.
            labels: (h, w) from 1, 0 unlabelled.
            scale: scale of the training area.
            regions: superpixels, if known.

        Raises:
            DatasetError: the labels are not on the multispectral grid.
        """
        if labels.shape != pair.ms.shape[1:]:
            raise DatasetError(
                f"labels of {labels.shape[0]} x {labels.shape[1]} pixels",
                f"expected the multispectral grid, {pair.ms.shape[1]} x {pair.ms.shape[2]}",
            )
        ms, pan = scale.apply(pair)
        found = segment_pan(pair.pan) if regions is None else regions
        places = np.argwhere(labels > 0)
        return cls(
            torch.from_numpy(ms),
            torch.from_numpy(pan),
            torch.from_numpy(np.ascontiguousarray(found)),
            torch.from_numpy(places),
            torch.from_numpy(labels[labels > 0].astype(np.int64)),
        )

    def select(self, mask: npt.NDArray[np.bool_]) -> PixelScene:
        """Keep only the labelled pixels inside a mask (h, w)."""
        kept = torch.from_numpy(mask)[self.pixels[:, 0], self.pixels[:, 1]]
        return PixelScene(self.ms, self.pan, self.regions, self.pixels[kept], self.labels[kept])


def split_blocks(
    labels: npt.NDArray[np.integer],
    block: int,
    test_share: float,
    rng: np.random.Generator,
    gap: int = GAP,
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Split ground into training and test blocks (h, w).

    Random pixels of one scene would leak through overlapping windows. Blocks are assigned to the
    test class by class, rarest first, up to its share of every class; training pixels closer than
    ``gap`` to a test block are dropped.

    Args:
        labels: (h, w) from 1, 0 unlabelled.
        block: side of the blocks, multispectral pixels.
        test_share: share of test pixels per class.
        rng: random generator.
        gap: see above.

    Raises:
        DatasetError: a class has no pixel left for training or test.
    """
    from scipy.ndimage import distance_transform_cdt

    rows, cols = (-(-side // block) for side in labels.shape)
    owner = (np.arange(labels.shape[0]) // block)[:, None] * cols
    owner = owner + (np.arange(labels.shape[1]) // block)[None]
    numbers = [int(number) for number in np.unique(labels) if number > 0]
    counts = np.stack(
        [np.bincount(owner[labels == number], minlength=rows * cols) for number in numbers]
    )
    is_test = np.zeros(rows * cols, bool)
    for place in np.argsort(counts.sum(axis=1), kind="stable"):
        wanted = test_share * counts[place].sum()
        for candidate in rng.permutation(rows * cols):
            if counts[place][is_test].sum() >= wanted:
                break
            is_test[candidate] |= bool(counts[place][candidate])
    test = is_test[owner]
    train: npt.NDArray[np.bool_] = ~test
    if test.any():
        train &= distance_transform_cdt(~test, metric="chessboard") > gap
    for number in numbers:
        if not (labels[train] == number).any() or not (labels[test] == number).any():
            raise DatasetError(
                f"class {number} has no labelled pixel left for training or for test",
                f"blocks of {block} pixels with gaps of {gap} are too coarse for its labels",
                "use smaller blocks, or label more places",
            )
    return train, test
