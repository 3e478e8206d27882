"""Overlapping windows over a scene: arithmetic only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fewscape.core import ConfigError, Window

STRIP_PIXELS = 4_000_000
"""Default pixels of a strip in memory at a time."""

FAINT = 1e-3
"""Weight of a window's outermost cells, which matter only where no other window overlaps."""


@dataclass(frozen=True, slots=True)
class WindowGrid:
    """Square windows that cover a scene, ordered by rows.

    All windows have the same size and start at multiples of ``multiple``, so that their scores
    share one grid of cells. The last windows of a row and of a column are shifted inward; they
    exceed the scene by less than ``multiple`` pixels, or by as much as the scene is smaller than a
    window. The reader pads beyond the edge.
    """

    height: int
    """Rows of the scene."""
    width: int
    """Columns of the scene."""
    window: int
    """Window side, pixels."""
    multiple: int
    """All origins are multiples of this many pixels."""
    rows: tuple[int, ...]
    """First pixel row of each row of windows."""
    cols: tuple[int, ...]
    """First pixel column of each column of windows."""
    overlap: int
    """Minimum overlap of neighbouring windows, pixels."""

    @property
    def padded_height(self) -> int:
        """Height to the lower edge of the last windows."""
        return self.rows[-1] + self.window

    @property
    def padded_width(self) -> int:
        """Width to the right edge of the last windows."""
        return self.cols[-1] + self.window

    @property
    def bounds(self) -> tuple[int, ...]:
        """First pixel row of each section, and the scene's height.

        A section spans from the origin of a row of windows to the next; the first and last extend
        to the scene's edge. There are as many sections as rows of windows, and each pixel is in
        one.
        """
        return (*self.rows, self.height)

    def rows_for(self, first: int, stop: int) -> range:
        """Indices in ``rows`` of all windows that the sections ``first`` to ``stop`` need.

        These reach into the sections or into the adjacent cells, which upsampling reads.
        """
        upper = self.bounds[first] - self.multiple
        lower = self.bounds[stop] + self.multiple
        begin = next(at for at, row in enumerate(self.rows) if row + self.window > upper)
        end = next((at for at, row in enumerate(self.rows) if row >= lower), len(self.rows))
        return range(begin, end)

    def __len__(self) -> int:
        return len(self.rows) * len(self.cols)

    def __iter__(self) -> Iterator[Window]:
        for row in self.rows:
            for col in self.cols:
                yield Window(row, col, self.window, self.window)


def plan_windows(
    height: int, width: int, window: int, overlap: int = 0, multiple: int = 1
) -> WindowGrid:
    """Windows that cover every pixel of a scene.

    Args:
        height: rows of the scene, at least 1.
        width: columns of the scene, at least 1.
        window: window side in pixels, a multiple of ``multiple``.
        overlap: minimum overlap of neighbours in pixels, less than ``window``.
        multiple: origins are multiples of this many pixels.

    Raises:
        ConfigError: a size is invalid.

    Examples:
        >>> plan_windows(100, 300, window=128, overlap=32).cols
        (0, 96, 172)
        >>> plan_windows(100, 300, window=128, overlap=32, multiple=16).cols
        (0, 96, 176)
    """
    if min(height, width) < 1:
        raise ConfigError(f"a scene of {height} x {width} pixels has no window", "", "")
    if window < 1 or multiple < 1 or window % multiple:
        raise ConfigError(
            f"windows of {window} pixels do not fit cells of {multiple}",
            "the side must be a positive multiple of the cell",
            f"choose for example {max(1, -(-window // multiple)) * multiple}",
        )
    if not 0 <= overlap <= window - multiple:
        raise ConfigError(
            f"an overlap of {overlap} pixels does not fit windows of {window}",
            f"it must be at least 0 and at most {window - multiple}",
            "choose a smaller overlap, such as a quarter of the window",
        )
    step = (window - overlap) // multiple * multiple
    return WindowGrid(
        height,
        width,
        window,
        multiple,
        rows=_origins(height, window, step, multiple),
        cols=_origins(width, window, step, multiple),
        overlap=window - step,
    )


def _origins(length: int, window: int, step: int, multiple: int) -> tuple[int, ...]:
    last = math.ceil(max(length - window, 0) / multiple) * multiple
    return (*range(0, last, step), last)


def plan_strips(height: int, width: int, pixels: int) -> Iterator[Window]:
    """Strips of whole rows from the top, each of about ``pixels`` pixels and at least one row.

    Examples:
        >>> [strip.height for strip in plan_strips(height=10, width=100, pixels=450)]
        [4, 4, 2]
    """
    rows = max(1, pixels // width)
    for row in range(0, height, rows):
        yield Window(row, 0, min(rows, height - row), width)


def taper(cells: int, ramp: int, margin: int = 0) -> npt.NDArray[np.float64]:
    """Weights of a window's cells along one axis, symmetric and positive.

    They rise linearly over ``ramp`` cells beyond a ``margin`` and are 1 between the ramps. The
    outer product of two tapers weighs a window; the sum over all windows normalises.

    Args:
        cells: cells of the window.
        ramp: cells over which the weight rises from 0 to 1.
        margin: unreliable outer cells; they get the ``FAINT`` weight.

    Returns:
        (cells,) in (0, 1].

    Examples:
        >>> taper(6, ramp=2).tolist()
        [0.25, 0.75, 1.0, 1.0, 0.75, 0.25]
    """
    centres = np.arange(cells) + 0.5
    inward = np.minimum(centres, cells - centres) - margin
    weights: npt.NDArray[np.float64] = np.clip(inward / max(ramp, 1), FAINT, 1.0)
    return weights


def reflect(positions: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
    """Reflect positions beyond the ends of an axis; the end itself is repeated.

    Args:
        positions: any integers.
        length: size of the axis, at least 1.

    Examples:
        >>> reflect(np.arange(-2, 5), 3).tolist()
        [1, 0, 0, 1, 2, 2, 1]
    """
    folded = positions % (2 * length)
    return np.minimum(folded, 2 * length - 1 - folded)
