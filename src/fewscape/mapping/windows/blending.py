"""Blend the probabilities of overlapping windows in a band that rolls down the scene."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from fewscape.core import Window
from fewscape.ops import resize_maps
from fewscape.raster import WindowGrid, taper

CHUNK_PIXELS = 1 << 21
"""Pixels upsampled at a time, for up to ``CHUNK_MAPS`` maps; fewer for more maps."""
CHUNK_MAPS = 4

KEPT = 2
"""Finished rows of cells that are kept, since upsampling needs the rows above and below."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Finished rows of a scene."""

    row: int
    """First row."""
    probabilities: torch.Tensor
    """(K + L, rows, W) float32: classes, then layers."""
    valid: npt.NDArray[np.bool_]
    """(rows, W)."""


class BlendingBand:
    """Weighted sums of the windows' probabilities, at the network's output resolution.

    Windows arrive row by row, in any order within a row. Rows that no later window reaches are
    divided by their weights, upsampled once and returned. Memory depends on the scene's width and
    the window, never on the scene's height. Sums are float64, so that the order of windows does not
    matter.

    Args:
        grid: the windows; their origins are multiples of ``stride``.
        num_maps: K + L.
        stride: pixels per cell.
        halo: margin of a window that is used only where no other window has more context, pixels.
        device: device of the sums.
        sections: first section and end (exclusive) to return, see ``WindowGrid.bounds``; all if not
            given. Only windows that these need may be added.
        chunk_pixels: see ``CHUNK_PIXELS``.
    """

    def __init__(
        self,
        grid: WindowGrid,
        num_maps: int,
        stride: int,
        halo: int = 0,
        device: torch.device | None = None,
        sections: tuple[int, int] | None = None,
        chunk_pixels: int = CHUNK_PIXELS,
    ) -> None:
        self.grid = grid
        self._chunk_pixels = chunk_pixels
        self.stride = stride
        cells, cols = grid.window // stride, grid.padded_width // stride
        ramp = max(1, grid.overlap // stride - 2 * (halo // stride))
        weights = torch.from_numpy(taper(cells, ramp, halo // stride)).to(device)
        self._taper = weights[:, None] * weights
        shape = cells + KEPT, cols
        self._sums = torch.zeros((num_maps, *shape), dtype=torch.float64, device=device)
        self._weights = torch.zeros(shape, dtype=torch.float64, device=device)
        self._valid = np.zeros((shape[0] * stride, grid.width), np.bool_)
        first, stop = sections or (0, len(grid.rows))
        needed = grid.rows_for(first, stop)
        self.origins = tuple(grid.rows[at] for at in needed)
        """Rows of windows to add."""
        self._begun = self.origins[0]  # pixel row of the current row of windows
        self._top = self._begun // stride - KEPT  # cell row of the scene at the band's first row
        self._given = grid.bounds[first] // stride  # cell rows returned or not requested
        self._end = -(-grid.bounds[stop] // stride)

    @property
    def num_bytes(self) -> int:
        """Size of the buffers."""
        tensors = (self._sums, self._weights)
        return sum(t.numel() * t.element_size() for t in tensors) + self._valid.nbytes

    def add(
        self, window: Window, probabilities: torch.Tensor, valid: npt.NDArray[np.bool_]
    ) -> None:
        """Add a window.

        Args:
            window: its position; not above a row passed to ``advance``.
            probabilities: (K, H / stride, W / stride).
            valid: (H, W).
        """
        row, col = window.row // self.stride - self._top, window.col // self.stride
        height, width = probabilities.shape[-2:]
        place = slice(row, row + height), slice(col, col + width)
        self._sums[:, place[0], place[1]] += probabilities * self._taper
        self._weights[place] += self._taper
        pixels = self._valid[row * self.stride :, window.col :][: window.height, : window.width]
        pixels |= valid[:, : pixels.shape[1]]

    def advance(self, row: int) -> Iterator[Strip]:
        """Return the finished rows once no more windows begin above pixel row ``row``."""
        for origin in self.origins:  # step by step: rows of windows may have been skipped
            if self._begun < origin <= row:
                self._begun = origin
                finished = origin // self.stride - 1  # the last one waits for the next
                yield from self._give(until=min(finished, self._end))
                self._roll(origin // self.stride - KEPT - self._top)

    def finish(self) -> Iterator[Strip]:
        """Return the remaining rows."""
        yield from self.advance(self.origins[-1])
        yield from self._give(until=self._end)

    def _roll(self, shift: int) -> None:
        """Shift all rows of cells up; new rows are empty."""
        kept = len(self._weights) - shift
        self._weights[:kept] = self._weights[shift:].clone()
        self._weights[kept:] = 0
        self._sums[:, :kept] = self._sums[:, shift:].clone()
        self._sums[:, kept:] = 0
        self._valid[: kept * self.stride] = self._valid[shift * self.stride :].copy()
        self._valid[kept * self.stride :] = False
        self._top += shift

    def _give(self, until: int) -> Iterator[Strip]:
        """Return the rows of cells up to ``until``, upsampled in chunks."""
        pixels = self.grid.width * self.stride * max(1, len(self._sums) // CHUNK_MAPS)
        chunk = max(1, self._chunk_pixels // pixels)
        while self._given < until:
            end = min(self._given + chunk, until)
            yield self._enlarge(self._given, end)
            self._given = end

    def _enlarge(self, begin: int, end: int) -> Strip:
        last = self.grid.padded_height // self.stride
        above, below = max(begin - 1, 0), min(end + 1, last)
        rows = slice(above - self._top, below - self._top)
        # Cells covered only by skipped windows stay 0: no pixel there is valid.
        weights = self._weights[rows].clamp(min=torch.finfo(torch.float64).tiny)
        cells = (self._sums[:, rows] / weights).float()
        size = cells.shape[1] * self.stride, cells.shape[2] * self.stride
        pixels = resize_maps(cells[None], size)[0]
        first = begin * self.stride
        count = min(end * self.stride, self.grid.height) - first
        inner = first - above * self.stride
        local = first - self._top * self.stride
        return Strip(
            first,
            pixels[:, inner : inner + count, : self.grid.width],
            self._valid[local : local + count].copy(),
        )
