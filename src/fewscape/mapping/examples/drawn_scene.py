"""The scene that the examples were drawn on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fewscape.raster import Georeference


class DrawnScene(Protocol):
    """The properties of a scene that reading examples needs."""

    @property
    def path(self) -> Path:
        """Its file."""

    @property
    def grid(self) -> Georeference:
        """Its size and place."""


@dataclass(frozen=True, slots=True)
class DrawnOn:
    """A scene with only a name and a grid."""

    path: Path
    grid: Georeference


def format_bounds(bounds: tuple[float, float, float, float]) -> str:
    """Format bounds as text."""
    left, bottom, right, top = (f"{value:.10g}" for value in bounds)
    return f"x {left} to {right}, y {bottom} to {top}"
