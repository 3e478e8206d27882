"""Estimate the cost of a map from a few windows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fewscape.mapping.mapper import Mapper

STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class Estimate:
    """Cost of a map.

    Attributes:
        windows: number of windows.
        seconds: duration, measured on windows from the middle of the scene.
        memory_bytes: peak memory of mapping, excluding the network.
        resident_bytes: current memory of the process with network and libraries; None if the system
            does not report it.
        disk_bytes: size of the maps before compression; assembly may need twice as much.
    """

    windows: int
    seconds: float
    memory_bytes: int
    resident_bytes: int | None
    disk_bytes: int

    def __str__(self) -> str:
        """One line of text."""
        minutes, seconds = divmod(round(self.seconds), 60)
        hours, minutes = divmod(minutes, 60)
        clock = f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"
        own = (
            f" plus {self.resident_bytes / 1e6:,.0f} MB of network and libraries"
            if self.resident_bytes
            else " beside the network"
        )
        return (
            f"{self.windows:,} windows, about {clock}; memory of at most "
            f"{self.memory_bytes / 1e6:,.0f} MB{own}; maps of at most "
            f"{self.disk_bytes / 1e6:,.0f} MB before compression"
        )


def estimate_map(mapper: Mapper) -> Estimate:
    """Map a few windows and estimate the cost of the whole map.

    Args:
        mapper: mapper of the scene.

    Raises:
        SceneError: the raster is damaged or has no valid pixel.
        ConfigError: too many classes.
    """
    plan = mapper.plan
    return Estimate(
        mapper.num_windows,
        mapper.time_window() * mapper.num_windows,
        mapper.memory_bytes,
        _read_resident(),
        plan.num_planes * plan.num_pixels,
    )


def _read_resident() -> int | None:
    if not STATUS.is_file():
        return None
    for line in STATUS.read_text("utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return None
