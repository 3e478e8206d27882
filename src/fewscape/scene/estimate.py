"""What a map will cost, measured on a few windows before the work starts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fewscape.core import Window
from fewscape.raster import SceneReader
from fewscape.scene.memory import MemoryPlan
from fewscape.scene.prediction import load_batch, plan_scene
from fewscape.scene.runner import MapOptions, plan_memory
from fewscape.scene.segmenter import Segmenter

STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class Estimate:
    """Cost of a map.

    Attributes:
        windows: that cover the scene.
        seconds: by the time of one batch from the middle of the scene.
        memory: of mapping, beside the network.
        resident_bytes: what the process takes now, with network and libraries; None where the
            system does not tell.
        disk_bytes: of the maps before compression; twice as much may be needed while they are put
            together.
    """

    windows: int
    seconds: float
    memory: MemoryPlan
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
            f"{self.memory.total / 1e6:,.0f} MB{own}; maps of at most "
            f"{self.disk_bytes / 1e6:,.0f} MB before compression"
        )


def estimate_map(scene: SceneReader, segmenter: Segmenter, options: MapOptions) -> Estimate:
    """The cost of a map; reads and maps two batches of windows.

    Args:
        scene: where the windows come from.
        segmenter: the network.
        options: those of the run.

    Raises:
        SceneError: the scene is damaged or has no valid pixel.
        ConfigError: impossible options.
    """
    memory = plan_memory(scene, segmenter, options)
    grid = plan_scene(scene, segmenter, options.overlap)
    windows = list(grid)
    middle = windows[len(windows) // 2 :][: memory.batch_size]
    planes = 1 + len(segmenter.class_names) + len(segmenter.layer_names)
    with scene.set_cache(segmenter.window, memory.cache_bytes):
        _ = scene.limits
        _time_batch(scene, segmenter, middle)  # the first one sets things up
        seconds = _time_batch(scene, segmenter, middle)
    return Estimate(
        len(windows),
        seconds * len(windows) / len(middle),
        memory,
        _read_resident(),
        planes * scene.height * scene.width,
    )


def _time_batch(scene: SceneReader, segmenter: Segmenter, windows: Sequence[Window]) -> float:
    """Seconds of the slower of reading and predicting, which overlap."""
    started = time.perf_counter()
    batch = load_batch(scene, windows, segmenter.make_regions)
    read = time.perf_counter()
    if batch.windows:
        segmenter(batch.images, batch.regions).cpu()
    return max(read - started, time.perf_counter() - read)


def _read_resident() -> int | None:
    if not STATUS.is_file():
        return None
    for line in STATUS.read_text("utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return None
