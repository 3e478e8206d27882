r"""The page's server under load: time from a stroke to its map, and tiles for many who pan.

    .venv/bin/python -m benchmarks.annotate_load

A scene of 10,000 x 10,000 pixels without overviews, made of mirrored copies of the packaged one,
is opened by ``fewscape annotate`` with the default model in a process of its own. One client looks
at 1000 x 700 pixels and draws strokes of three classes, one every few seconds; what counts is the
time from sending a stroke until the last part of the view's map that knows it has arrived: first as
a sketch, then at the resolution of the screen, then exact. After that, 20 clients pan over the
whole scene at once, each asking for the tiles of one such view after the other.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.machine import Machine, Watch

FORMAT = "fewscape-annotate-load/1"

VIEW = (700, 700, 1700, 1400)
"""Least column and row, largest column and row."""

PACE = 4.0
"""Seconds from the map of a stroke to the next stroke."""

PATIENCE = 600.0
"""Seconds; a busy machine takes its time for the features of the first view."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=10_000, help="of the scene, pixels")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0, help="of panning")
    parser.add_argument("--strokes", type=int, default=15)
    parser.add_argument(
        "--output", type=Path, default=Path("benchmarks/results/annotate_load.json")
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scene = make_scene(Path(folder), arguments.side)
        server, address = start(scene, Path(folder))
        try:
            drawn, others = watched(lambda: measure_strokes(address, arguments.strokes))
            print(json.dumps(drawn, indent=1), flush=True)
            panned, others_panning = watched(
                lambda: measure_tiles(address, arguments.clients, arguments.seconds)
            )
        finally:
            server.terminate()
            server.wait(30)
    document = {
        "format": FORMAT,
        "command": "python " + " ".join(["-m", "benchmarks.annotate_load", *sys.argv[1:]]),
        "machine": asdict(Machine.describe()),
        "strokes": drawn | {"others_cores": others},
        "panning": panned | {"others_cores": others_panning},
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps(panned, indent=1))


def make_scene(folder: Path, side: int) -> Path:
    """A tiled GeoTIFF without overviews."""
    import rasterio

    from fewscape.core.packaged import packaged_folder

    with rasterio.open(packaged_folder("naip_prairie") / "scene.tif") as dataset:
        piece = dataset.read()[:3]
    pair = np.concatenate([piece, piece[:, :, ::-1]], axis=2)
    block = np.concatenate([pair, pair[:, ::-1]], axis=1)
    down, across = (-(-side // length) for length in block.shape[1:])
    path = folder / "scene.tif"
    shape = {"width": side, "height": side, "count": 3, "dtype": block.dtype}
    with rasterio.open(path, "w", driver="GTiff", tiled=True, **shape) as dataset:
        dataset.write(np.tile(block, (1, down, across))[:, :side, :side])
    return path


def start(scene: Path, folder: Path) -> tuple[subprocess.Popen[str], str]:
    """``fewscape annotate``, and the address that it prints."""
    words = ["-m", "fewscape.cli.main", "annotate", str(scene), "--no_browser", "--port", "0"]
    server = subprocess.Popen(
        [sys.executable, *words],
        env=os.environ | {"FEWSCAPE_CACHE": str(folder / "cache")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    for line in server.stdout:
        if line.startswith("open "):
            return server, line.split()[1]
    raise SystemExit("the server did not start")


def watched(work: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], float]:
    """What it gives, and processors that were busy beside this process; the server is counted."""
    watch = Watch()
    return work(), round(watch.read(), 2)


class Page:
    """One client that draws, and fetches the parts of the map as the page does."""

    def __init__(self, address: str) -> None:
        self.client = httpx.Client(base_url=address, timeout=PATIENCE)
        self.arrivals: dict[tuple[int, int], dict[str, float]] = {}
        self.revision = 0
        self.total = self.done = 0
        self.is_ready = False
        self._news = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with (
            suppress(httpx.HTTPError),  # the server ends before this does
            httpx.Client(base_url=str(self.client.base_url), timeout=None) as client,
        ):
            for kind, told in read_events(client):
                if kind == "painted":
                    place = told["row"], told["col"]
                    answer = self.client.get(f"api/scenes/0/map/{place[0]}/{place[1]}")
                    answer.raise_for_status()
                    told["size"] = len(answer.content)
                with self._news:
                    self._note(kind, told)
                    self._news.notify_all()

    def _note(self, kind: str, told: dict[str, Any]) -> None:
        if kind in ("hello", "ready"):
            self.is_ready = self.is_ready or told.get("ready", True)
        elif kind == "progress":
            self.done, self.total = told["done"], told["total"]
        elif kind == "painted" and told["revision"] == self.revision:
            now = time.perf_counter()
            seen = self.arrivals.setdefault((told["row"], told["col"]), {})
            seen.setdefault("sketch", now)
            if told["step"] == 1:
                seen.setdefault("fine", now)
            if told["step"] == 1 and not told["draft"]:
                seen.setdefault("exact", now)

    def wait(self, condition: Callable[[], bool]) -> None:
        """Until it holds.

        Raises:
            TimeoutError: it does not in ``PATIENCE`` seconds.
        """
        with self._news:
            if not self._news.wait_for(condition, PATIENCE):
                raise TimeoutError("the server did not answer in time")

    def show(self, box: tuple[int, int, int, int]) -> int:
        """How many parts of the map the view has."""
        told = {"box": list(box), "resolution": 1.0}
        places = self.client.post("api/scenes/0/view", json=told).json()["places"]
        self.wait(lambda: self.total == len(places) and self.done == self.total)
        return len(places)

    def draw(self, name: str, col: float, row: float, num_parts: int) -> dict[str, float]:
        """Seconds until the map of the whole view knows a stroke, by how good it is."""
        angles = np.linspace(0, 2 * np.pi, 24)
        corners = np.stack([col + 14 * np.cos(angles), row + 14 * np.sin(angles)], 1).tolist()
        geometry = {"type": "Polygon", "coordinates": [corners]}
        with self._news:
            self.arrivals = {}
            self.revision += 1
        begin = time.perf_counter()
        change = {"do": "put", "example": {"class": name, "geometry": geometry}}
        answer = self.client.post("api/scenes/0/changes", json=[change])
        answer.raise_for_status()
        with self._news:
            self.revision = answer.json()["revision"]
        kinds = ("sketch", "fine", "exact")
        self.wait(lambda: sum("exact" in seen for seen in self.arrivals.values()) == num_parts)
        return {kind: max(seen[kind] for seen in self.arrivals.values()) - begin for kind in kinds}


def read_events(client: httpx.Client) -> Iterator[tuple[str, dict[str, Any]]]:
    """Server-sent events, as kind and what is told."""
    kind = ""
    with client.stream("GET", "api/events") as answer:
        for line in answer.iter_lines():
            if line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: "):
                yield kind, json.loads(line[6:])


def measure_strokes(address: str, count: int) -> dict[str, Any]:
    """Seconds from a stroke to the map of the view."""
    page, begin = Page(address), time.perf_counter()
    page.wait(lambda: page.is_ready)
    loaded = time.perf_counter() - begin
    page.revision = page.client.get("api/scenes/0").json()["revision"]
    num_parts = page.show(VIEW)
    encoded = time.perf_counter() - begin
    chance, taken = random.Random(0), []
    left, top, right, bottom = VIEW
    for number in range(count):
        col, row = chance.uniform(left + 20, right - 20), chance.uniform(top + 20, bottom - 20)
        taken.append(page.draw("abc"[number % 3], col, row, num_parts))
        time.sleep(PACE)
    following = {
        kind: round(statistics.median(one[kind] for one in taken[3:]), 3) for kind in taken[0]
    }
    return {
        "view": VIEW,
        "parts": num_parts,
        "seconds_to_model": round(loaded, 2),
        "seconds_to_features": round(encoded, 2),
        "first_stroke": {kind: round(value, 3) for kind, value in taken[0].items()},
        "median_of_following": following,
        "all": [{kind: round(value, 3) for kind, value in one.items()} for one in taken],
    }


def measure_tiles(address: str, clients: int, seconds: float) -> dict[str, Any]:
    """Milliseconds of tiles while many pan at once."""
    with httpx.Client(base_url=address) as client:
        about = client.get("api/session").json()["scenes"][0]
    end = time.monotonic() + seconds
    with ThreadPoolExecutor(clients) as pool:
        found = list(pool.map(lambda seed: pan(address, about, seed, end), range(clients)))
    times = sorted(value for one, _ in found for value in one)
    errors = [error for _, told in found for error in told]
    return {
        "clients": clients,
        "seconds": seconds,
        "tiles": len(times),
        "errors": len(errors),
        "error_samples": errors[:5],
        "median_ms": round(1e3 * statistics.median(times), 1),
        "p99_ms": round(1e3 * times[int(0.99 * (len(times) - 1))], 1),
        "largest_ms": round(1e3 * times[-1], 1),
    }


def pan(
    address: str, about: dict[str, Any], seed: int, end: float
) -> tuple[list[float], list[str]]:
    """Seconds of each tile of one who pans, and what went wrong."""
    chance, times, errors = random.Random(seed), [], []
    bands = ",".join(map(str, about["shown"]))
    with httpx.Client(base_url=address, timeout=PATIENCE) as client:
        level, x, y = about["last_level"], chance.random(), chance.random()
        while time.monotonic() < end:
            if chance.random() < 0.2:
                level = chance.randint(max(0, about["last_level"] - 4), about["last_level"])
            x = min(0.99, max(0.0, x + chance.uniform(-0.05, 0.05)))
            y = min(0.99, max(0.0, y + chance.uniform(-0.05, 0.05)))
            span = 256 * 2 ** (about["last_level"] - level)
            across, down = -(-about["width"] // span), -(-about["height"] // span)
            first = int(x * across), int(y * down)
            for col in range(first[0], min(across, first[0] + 4)):
                for row in range(first[1], min(down, first[1] + 3)):
                    begin = time.perf_counter()
                    try:
                        place = f"{level}/{col}/{row}?bands={bands}"
                        client.get(f"api/scenes/0/tiles/{place}").raise_for_status()
                    except httpx.HTTPError as error:
                        errors.append(str(error))
                    times.append(time.perf_counter() - begin)
    return times, errors


if __name__ == "__main__":
    main()
