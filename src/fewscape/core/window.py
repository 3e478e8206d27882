"""A rectangle of pixels."""

from __future__ import annotations

from typing import NamedTuple


class Window(NamedTuple):
    """A rectangle of a raster or image, in pixels from its upper left corner."""

    row: int
    col: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices of the window, for arrays whose last axes are H, W."""
        return (
            slice(self.row, self.row + self.height),
            slice(self.col, self.col + self.width),
        )
