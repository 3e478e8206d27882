"""The scene on which people drew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fewscape.raster import Georeference


class DrawnScene(Protocol):
    """What has to be known of the scene that people drew on."""

    @property
    def path(self) -> Path:
        """Its file."""

    @property
    def grid(self) -> Georeference:
        """Its size and place."""


@dataclass(frozen=True, slots=True)
class DrawnOn:
    """A scene of which only name and place are known."""

    path: Path
    grid: Georeference


def tell_bounds(bounds: tuple[float, float, float, float]) -> str:
    """Least and largest coordinates in words."""
    left, bottom, right, top = (f"{value:.10g}" for value in bounds)
    return f"x {left} to {right}, y {bottom} to {top}"
