"""A panchromatic and multispectral pair, on disk or in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol

import numpy as np
import numpy.typing as npt
from affine import Affine

from fewscape.core import SceneError, Window
from fewscape.raster.georeference import Georeference

RATIOS = (2, 4)
"""Supported ratios: panchromatic pixels per multispectral one and axis."""
SAMPLE_SIDE, SAMPLE_ROWS = 256, 4
"""Windows that sample a large scene: their side, and their number along an axis."""

Valid = npt.NDArray[np.bool_]
"""(h, w) on the multispectral grid."""


@dataclass(frozen=True, slots=True)
class PanMsPair:
    """Both images on one grid: pixel (r, c) of ``ms`` covers ``ratio`` x ``ratio`` of ``pan``."""

    ms: npt.NDArray[np.generic]
    """(C, h, w)."""
    pan: npt.NDArray[np.generic]
    """(ratio * h, ratio * w)."""
    ratio: int

    def __post_init__(self) -> None:
        if self.ms.ndim != 3 or self.pan.ndim != 2:
            raise SceneError(
                f"a pair of shapes {self.ms.shape} and {self.pan.shape}",
                "expected (bands, h, w) and (H, W)",
            )
        check_sizes(self.pan.shape, self.ms.shape[1:], self.ratio)
        if self.ratio not in RATIOS:
            raise SceneError(
                f"a multispectral pixel is {self.ratio} panchromatic ones wide",
                f"expected a ratio of {' or '.join(map(str, RATIOS))}",
            )


class PairSource(Protocol):
    """Windows of a pair of any size."""

    @property
    def name(self) -> str:
        """Name for messages."""

    @property
    def ratio(self) -> int:
        """Panchromatic pixels per multispectral one and axis."""

    @property
    def num_bands(self) -> int:
        """Number of multispectral bands."""

    @property
    def grid(self) -> Georeference:
        """The multispectral grid."""

    def read(self, window: Window | None = None) -> tuple[PanMsPair, Valid]:
        """Read a window on the multispectral grid, or everything, and its validity."""


class PanMsArrays:
    """A pair in memory.

    Args:
        name: name for messages.
        pair: both images.
        valid: (h, w).
    """

    def __init__(self, name: str, pair: PanMsPair, valid: Valid) -> None:
        self.name = name
        self.pair = pair
        self.valid = valid
        self.ratio = pair.ratio
        self.num_bands = len(pair.ms)
        self.grid = Georeference(valid.shape[0], valid.shape[1], Affine.identity())

    def read(self, window: Window | None = None) -> tuple[PanMsPair, Valid]:
        """Read a window on the multispectral grid, or everything, and its validity."""
        if window is None:
            return self.pair, self.valid
        rows, cols = window.slices
        fine = Window(*(self.ratio * side for side in window)).slices
        part = PanMsPair(self.pair.ms[:, rows, cols], self.pair.pan[fine], self.ratio)
        return part, self.valid[rows, cols]


def sample_pair(source: PairSource) -> tuple[PanMsPair, Valid]:
    """Sample a pair for statistics: all of it, or windows spread over it.

    Raises:
        SceneError: a file is damaged, or no pixel is valid.
    """
    size = source.grid.height, source.grid.width
    if size[0] * size[1] <= (SAMPLE_ROWS * SAMPLE_SIDE) ** 2:
        pair, valid = source.read()
    else:
        sides = [min(SAMPLE_SIDE, side) for side in size]
        begins = [
            np.linspace(0, whole - side, SAMPLE_ROWS).astype(int).tolist()
            for whole, side in zip(size, sides, strict=True)
        ]
        parts = [source.read(Window(*corner, *sides)) for corner in product(*begins)]
        ms = np.concatenate([part.ms for part, _ in parts], axis=2)
        pan = np.concatenate([part.pan for part, _ in parts], axis=1)
        pair = PanMsPair(ms, pan, source.ratio)
        valid = np.concatenate([own for _, own in parts], axis=1)
    if not valid.any():
        raise SceneError(
            f"the pair {source.name} has no valid pixel",
            "every pixel is nodata in one of the two rasters",
            "check their nodata values, and that both show the same ground",
        )
    return pair, valid


def check_sizes(pan: Sequence[int], ms: Sequence[int], ratio: int) -> None:
    """Check that the sizes of both images match the ratio.

    Raises:
        SceneError: they do not.
    """
    if tuple(pan) == tuple(ratio * side for side in ms):
        return
    is_swapped = pan[0] < ms[0] and pan[1] < ms[1]
    raise SceneError(
        f"the panchromatic image has {pan[0]} x {pan[1]} pixels",
        f"expected {ratio} times the {ms[0]} x {ms[1]} of the multispectral one",
        "the two images seem to be swapped" if is_swapped else "crop both to the same ground",
    )
