"""Map 28,672 x 28,672 pixels within 2 GB of memory, with interruptions.

    .venv/bin/python -m benchmarks.scene_large

Maps a generated scene with ``fewscape map --max_memory 245MB``, a tenth of the scene's bytes, and
the embedded network. Kills the process a few times, lets it finish, and reports the peak memory of
each process and the time of the last one. The memory of network and libraries is the peak of
``--dry_run`` on a small scene, which maps a few windows to estimate the time.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.machine import Machine, Watch
from benchmarks.scene_speed import write_scene

SIDE = 28_672
KILLS = 3
KILL_AFTER = 90.0
LIMIT = "245MB"


def write_examples(path: Path) -> None:
    """One polygon near the upper left corner."""
    left, top = 5e5 + 40, 5e6 - 40
    ring = [[left, top], [left + 30, top], [left + 30, top - 30], [left, top - 30], [left, top]]
    feature = {
        "type": "Feature",
        "properties": {"class": "ground"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    crs = {"type": "name", "properties": {"name": "EPSG:32632"}}
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": [feature]}))


def map_it(
    folder: Path, scene: str, limit: str, *more: str, kill_after: float | None = None
) -> tuple[float, float]:
    """Peak megabytes and seconds of one process."""
    words = ["map", scene, "--examples", "examples.geojson", "--output", "maps", "--device", "cpu"]
    started = time.perf_counter()
    command = [sys.executable, "-m", "fewscape.cli.main", *words, "--max_memory", limit, *more]
    process = subprocess.Popen(command, cwd=folder)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(process.pid, signal.SIGKILL)
    _, status, usage = os.wait4(process.pid, 0)
    if kill_after is None and status:
        raise SystemExit("the map was not finished")
    return usage.ru_maxrss / 1024, time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/scene_large.json"))
    parser.add_argument(
        "--side", type=int, default=SIDE, help="side of the scene, a multiple of 1024"
    )
    parser.add_argument("--limit", default=LIMIT, help="of memory")
    parser.add_argument("--kill_after", type=float, default=KILL_AFTER, help="seconds")
    arguments = parser.parse_args()
    limit = arguments.limit
    watch = Watch()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_scene(folder / "large.tif", arguments.side)
        write_scene(folder / "small.tif", 1024)
        write_examples(folder / "examples.geojson")
        least, _ = map_it(folder, "small.tif", limit, "--dry_run")
        killed = [
            map_it(folder, "large.tif", limit, kill_after=arguments.kill_after)[0]
            for _ in range(KILLS)
        ]
        parts = len(list(folder.glob("maps/.fewscape-large-*/section-*")))
        peak, seconds = map_it(folder, "large.tif", limit)
        files = {path.name: path.stat().st_size for path in sorted((folder / "maps").iterdir())}
    results: dict[str, Any] = {
        "pixels": arguments.side**2,
        "bytes of the scene": 3 * arguments.side**2,
        "limit": limit,
        "seconds before each kill": arguments.kill_after,
        "peak MB of network and libraries": least,
        "peak MB": peak,
        "peak MB without network and libraries": peak - least,
        "peak MB of the killed processes": killed,
        "sections that the killed processes left": parts,
        "seconds of the last process": seconds,
        "files": files,
        "machine": asdict(Machine.describe()),
        "others_cores": watch.read(),
    }
    arguments.output.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    print(json.dumps({key: value for key, value in results.items() if key != "machine"}, indent=1))


if __name__ == "__main__":
    main()
