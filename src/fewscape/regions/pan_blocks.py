"""Superpixels of a panchromatic scene of any size, independent of the requested windows."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
import numpy.typing as npt

from fewscape.core import Window
from fewscape.raster import PairSource
from fewscape.regions.pan_slic import Limits, bound_regions, segment_pan

BLOCK = 256
"""Side of the blocks in multispectral pixels."""

REACH = 12
"""Maximum extent of a superpixel along an axis, multispectral pixels."""

Labels = npt.NDArray[np.int32]


class PanRegions:
    """Superpixels, computed block by block on demand.

    Args:
        source: the pair.
        limits: grey values of the whole scene that become 0 and 1.
        block: side of the blocks, multispectral pixels; superpixels do not cross blocks.
        kept_rows: rows of blocks to keep.
    """

    def __init__(
        self, source: PairSource, limits: Limits, block: int = BLOCK, kept_rows: int = 3
    ) -> None:
        self.source = source
        self.limits = limits
        self.block = block
        cols = -(-source.grid.width // block)
        self._cut = lru_cache(kept_rows * (cols + 1))(self._segment)

    def read(self, window: Window) -> Labels:
        """Superpixels (ratio * h, ratio * w) from 0 of a window on the multispectral grid."""
        ratio = self.source.ratio
        rows, cols = (
            range(begin // self.block, (begin + side - 1) // self.block + 1)
            for begin, side in ((window.row, window.height), (window.col, window.width))
        )
        parts = {place: self._cut(*place) for place in product(rows, cols)}
        first = np.cumsum([0, *(int(part.max()) + 1 for part in parts.values())])
        joined = np.block(
            [
                [
                    parts[row, col] + first[index * len(cols) + place]
                    for place, col in enumerate(cols)
                ]
                for index, row in enumerate(rows)
            ]
        )
        top = ratio * (window.row - rows[0] * self.block)
        left = ratio * (window.col - cols[0] * self.block)
        own = joined[top : top + ratio * window.height, left : left + ratio * window.width]
        return np.unique(own, return_inverse=True)[1].reshape(own.shape).astype(np.int32)

    def _segment(self, row: int, col: int) -> Labels:
        grid, block = self.source.grid, self.block
        top, left = row * block, col * block
        size = min(block, grid.height - top), min(block, grid.width - left)
        pair, _ = self.source.read(Window(top, left, *size))
        found = segment_pan(pair.pan, limits=self.limits)
        return bound_regions(found, REACH * self.source.ratio)
