"""What a map will cost, measured on a few windows before the work starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fewscape.mapping.mapper import Mapper

STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class Estimate:
    """Cost of a map.

    Attributes:
        windows: that cover the scene.
        seconds: by the time of windows from the middle of the scene.
        memory_bytes: of mapping at most, beside the network.
        resident_bytes: what the process takes now, with network and libraries; None where the
            system does not tell.
        disk_bytes: of the maps before compression; twice as much may be needed while they are put
            together.
    """

    windows: int
    seconds: float
    memory_bytes: int
    resident_bytes: int | None
    disk_bytes: int

    def tell(self) -> str:
        """One line for people."""
        minutes, seconds = divmod(round(self.seconds), 60)
        hours, minutes = divmod(minutes, 60)
        clock = f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"
        own = (
            f" beside {self.resident_bytes / 1e6:,.0f} MB of network and libraries"
            if self.resident_bytes
            else " beside the network"
        )
        return (
            f"{self.windows:,} windows, about {clock}; memory of at most "
            f"{self.memory_bytes / 1e6:,.0f} MB{own}; maps of at most "
            f"{self.disk_bytes / 1e6:,.0f} MB before compression"
        )


def estimate_map(mapper: Mapper) -> Estimate:
    """The cost of a map; maps a few windows.

    Args:
        mapper: a network before a raster.

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
