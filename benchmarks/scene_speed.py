"""Time and memory of mapping a scene, with ``fewscape map`` and in three plain ways.

    .venv/bin/python -m benchmarks.scene_speed --output benchmarks/results/scene_speed.json

All variants run the embedded network on the same windows with the same examples, for 1, 5 and 20
classes: ``loop`` reads, runs and writes one window after another without overlap or blending;
``full array`` blends like ``ours`` but pads each window's scores to the size of the scene and adds
them, as slide inference in mmsegmentation does; ``supports again`` is ``ours`` but learns the
examples again for every window, run once; ``ours`` is ``fewscape map`` without polygons and
preview. ``loop`` does less work because its windows do not overlap. Times are per megapixel. Memory
is the peak increase of the process after opening the scene, with a dummy segmenter, because the
network would hide it. Stages are timed separately.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch
import torch.nn.functional as F
from affine import Affine

from benchmarks.machine import Machine, Watch
from fewscape.core import Policy, Window
from fewscape.mapping import (
    BlendingBand,
    Examples,
    FewShotSegmenter,
    Journal,
    MapOptions,
    SceneMapper,
    Segmenter,
    Shot,
    Strip,
    assemble,
    map_scene,
    plan_scene,
)
from fewscape.mapping.windows.prediction import load_batch
from fewscape.mapping.windows.scene_mapper import cut_sections, decide
from fewscape.ops import resize_maps
from fewscape.raster import SceneReader, taper
from fewscape.synthetic import SyntheticScenes
from fewscape.zoo import load

SIDE = 2048
CLASSES = (1, 5, 20)
MEMORY_SIDES = (2048, 4096, 8192, 16384)
TIMED_SIDES = (1024, 2048, 4096)
ROUNDS = 2
OPTIONS = MapOptions(vectors=False, preview=False)


def write_scene(path: Path, side: int) -> None:
    """Write a synthetic scene, repeated to the size, tiled and compressed like most scenes."""
    image = SyntheticScenes(1, (1024, 1024), (0.5, 0.5)).read_image(0)
    profile = {
        "driver": "GTiff",
        "height": side,
        "width": side,
        "count": 3,
        "dtype": "uint8",
        "crs": "EPSG:32632",
        "transform": Affine(0.5, 0, 5e5, 0, -0.5, 5e6),
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
        "compress": "deflate",
    }
    with rasterio.open(path, "w", **profile) as target:
        for row in range(0, side, 1024):
            for col in range(0, side, 1024):
                target.write(image, window=((row, row + 1024), (col, col + 1024)))


def make_examples(num_classes: int, window: int = 256) -> Examples:
    """One shot per class, cropped from another synthetic scene."""
    image = SyntheticScenes(1, (1024, 1024), (0.5, 0.5), seed=1).read_image(0)
    shots = []
    for number in range(num_classes):
        row, col = 40 * (number % 5), 40 * (number // 5)
        crop = image[:, row : row + window, col : col + window].astype(np.float32) / 255
        mask = np.zeros((window, window), np.uint8)
        mask[80:140, 80:140] = 1
        shots.append((Shot(crop, mask, Window(row, col, window, window)),))
    return Examples(tuple(f"class {number}" for number in range(num_classes)), tuple(shots))


class Nothing:
    """A dummy segmenter."""

    window, stride, halo, window_multiple, threshold = 256, 8, 0, 8, 0.5
    colours = make_regions = None
    layer_names = ()

    def __init__(self, num_classes: int) -> None:
        self.class_names = tuple(f"class {number}" for number in range(num_classes))

    def __call__(self, windows: torch.Tensor, regions: object = None) -> torch.Tensor:
        """Brightness as the probability of every class."""
        del regions
        coarse = F.avg_pool2d(windows[:, :1], self.stride)
        return coarse.expand(-1, len(self.class_names), -1, -1)


def map_by_loop(path: Path, segmenter: Segmenter, output: Path) -> None:
    """Read, run and write one window after another."""
    with SceneReader(path) as scene, rasterio.open(path) as source:
        side = segmenter.window
        profile = source.profile | {"count": 1, "nodata": 255}
        with rasterio.open(output / "classes.tif", "w", **profile) as target:
            for row in range(0, scene.height, side):
                for col in range(0, scene.width, side):
                    batch = load_batch(
                        scene, [Window(row, col, side, side)], segmenter.make_regions
                    )
                    scores = segmenter(batch.images, batch.regions)
                    best, index = resize_maps(scores, (side, side))[0].max(dim=0)
                    classes = (index.to(torch.uint8) + 1) * (best >= segmenter.threshold)
                    place = ((row, row + side), (col, col + side))
                    target.write(classes.numpy(), 1, window=place)


def map_in_full_arrays(path: Path, segmenter: Segmenter, output: Path) -> None:
    """Add the scores of every window, padded to the scene, then divide."""
    with SceneReader(path) as scene:
        grid = plan_scene(scene, segmenter)
        size = scene.height, scene.width
        sums = torch.zeros(len(segmenter.class_names), *size)
        weights = torch.zeros(1, *size)
        line = torch.from_numpy(taper(grid.window, grid.overlap)).float()
        weight = (line[:, None] * line)[None]
        for window in grid:
            batch = load_batch(scene, [window], segmenter.make_regions)
            scores = resize_maps(
                segmenter(batch.images, batch.regions), (grid.window, grid.window)
            )[0]
            right = scene.width - window.col - grid.window
            below = scene.height - window.row - grid.window
            padding = (window.col, right, window.row, below)
            sums += F.pad(scores * weight, padding)
            weights += F.pad(weight, padding)
        best, index = (sums / weights).max(dim=0)
        classes = ((index.to(torch.uint8) + 1) * (best >= segmenter.threshold)).numpy()
    with rasterio.open(path) as source:
        profile = source.profile | {"count": 1, "nodata": 255}
    with rasterio.open(output / "classes.tif", "w", **profile) as target:
        target.write(classes, 1)


def map_by_ours(path: Path, segmenter: Segmenter, output: Path) -> None:
    """Map as ``fewscape map`` does."""
    with SceneReader(path) as scene:
        map_scene(scene, segmenter, output, OPTIONS)


class LearnsAgain(FewShotSegmenter):
    """Learns its examples for every window."""

    def __init__(self, examples: Examples) -> None:
        super().__init__(load("embedded").few_shot, examples, Policy.choose("cpu"))
        self.examples = examples

    def __call__(self, windows: torch.Tensor, regions: torch.Tensor | None = None) -> torch.Tensor:
        """Learn, then predict."""
        found = []
        for at in range(len(windows)):
            self.supports = [[self._learn(shot) for shot in own] for own in self.examples.shots]
            part = None if regions is None else regions[at : at + 1]
            found.append(super().__call__(windows[at : at + 1], part))
        return torch.cat(found)


WAYS: dict[str, Callable[[Path, Segmenter, Path], None]] = {
    "loop": map_by_loop,
    "full array": map_in_full_arrays,
    "ours": map_by_ours,
}


def measure_times(folder: Path) -> dict[str, Any]:
    """Seconds per megapixel of each variant, by number of classes."""
    path = folder / "scene.tif"
    write_scene(path, SIDE)
    found: dict[str, Any] = {}
    for num_classes in CLASSES:
        examples = make_examples(num_classes)
        model = load("embedded").few_shot
        segmenter = FewShotSegmenter(model, examples, Policy.choose("cpu"))
        again = LearnsAgain(examples)
        works = {name: (way, segmenter) for name, way in WAYS.items()}
        works["supports again"] = map_by_ours, again
        seconds: dict[str, list[float]] = {name: [] for name in works}
        for number in range(ROUNDS + 1):
            for name, (way, own) in works.items():
                if name == "supports again" and number != 1:
                    continue  # once: it takes many times longer than all others
                started = time.perf_counter()
                way(path, own, folder)
                if number:  # the first round warms up
                    seconds[name].append((time.perf_counter() - started) / (SIDE**2 / 1e6))
        medians = {name: statistics.median(own) for name, own in seconds.items()}
        found[str(num_classes)] = {
            "seconds per megapixel": seconds,
            "ours is faster by": {
                name: round(median / medians["ours"], 2) for name, median in medians.items()
            },
        }
    return found


def measure_growth(folder: Path) -> dict[str, float]:
    """Seconds per megapixel of ``ours`` with one class, by the side of the scene."""
    segmenter = FewShotSegmenter(load("embedded").few_shot, make_examples(1), Policy.choose("cpu"))
    found = {}
    for side in TIMED_SIDES:
        path = folder / f"scene{side}.tif"
        write_scene(path, side)
        seconds = []
        for _ in range(ROUNDS + 1):  # the first round warms up
            started = time.perf_counter()
            map_by_ours(path, segmenter, folder)
            seconds.append((time.perf_counter() - started) / (side**2 / 1e6))
        found[str(side)] = statistics.median(seconds[1:])
        path.unlink()
    return found


def measure_stages(folder: Path) -> dict[str, float]:
    """Seconds per megapixel of each stage of ``ours`` with five classes.

    In a map, reading, segmentation and the network overlap.
    """
    path = folder / "scene.tif"
    segmenter = FewShotSegmenter(load("embedded").few_shot, make_examples(5), Policy.choose("cpu"))
    seconds: dict[str, float] = {}
    with SceneReader(path) as scene, scene.set_cache(segmenter.window):
        mapper = SceneMapper(scene, segmenter, OPTIONS)
        windows, plan = list(mapper.windows), mapper.plan
        with _time(seconds, "read, and cut into regions"):
            batches = [
                load_batch(scene, windows[at : at + 8], segmenter.make_regions)
                for at in range(0, len(windows), 8)
            ]
        with _time(seconds, "network"):
            scores = [
                score for batch in batches for score in segmenter(batch.images, batch.regions)
            ]
        valid = [part for batch in batches for part in batch.valid]
        band = BlendingBand(mapper.windows, 5, segmenter.stride)
        strips: list[Strip] = []
        with _time(seconds, "blend"):
            for window, score, part in zip(windows, scores, valid, strict=True):
                strips += band.advance(window.row)
                band.add(window, score, part)
            strips += band.finish()
        with _time(seconds, "decide"):
            planes = [(strip.row, decide(strip, 5, segmenter.threshold)) for strip in strips]
        journal = Journal(folder, plan)
        run = 0, plan.num_sections
        with _time(seconds, "write the journal"):
            for section, parts in enumerate(cut_sections(iter(planes), plan.bounds, run)):
                journal.write(section, parts)
        with _time(seconds, "write the files"):
            assemble(journal, folder)
    return seconds


@contextmanager
def _time(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Record the seconds per megapixel of the block."""
    started = time.perf_counter()
    yield
    seconds[name] = (time.perf_counter() - started) / (SIDE**2 / 1e6)


def measure_memory() -> dict[str, dict[str, float | None]]:
    """Memory of each variant in megabytes, by the side of the scene."""
    found: dict[str, dict[str, float | None]] = {name: {} for name in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        for side in MEMORY_SIDES:
            path = Path(folder) / f"scene{side}.tif"
            write_scene(path, side)
            for name in WAYS:
                if name == "full array" and side > 4096:
                    found[name][str(side)] = None  # hours: the work grows with the square
                    continue
                told = subprocess.run(
                    [sys.executable, "-m", "benchmarks.scene_speed", "--measure", name, str(path)],
                    capture_output=True,
                    text=True,
                    check=True,
                )
                found[name][str(side)] = float(told.stdout)
            path.unlink()
    return found


def print_memory(name: str, path: Path) -> None:
    """Print the peak increase of one variant in megabytes."""
    segmenter = Nothing(5)
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.tif"
        write_scene(small, 1024)
        WAYS[name](small, segmenter, Path(folder))  # libraries and their buffers are there now
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = _read_peak()
        WAYS[name](path, segmenter, Path(folder))
        print(_read_peak() - before)


def _read_peak() -> float:
    """Peak resident megabytes of this process; unlike rusage, excludes its parent."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/scene_speed.json"))
    parser.add_argument("--measure", nargs=2, metavar=("WAY", "SCENE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print_memory(arguments.measure[0], Path(arguments.measure[1]))
        return
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        times = measure_times(Path(folder))
        stages = measure_stages(Path(folder))
        growth = measure_growth(Path(folder))
    results = {
        "classes": times,
        "stages, seconds per megapixel": stages,
        "seconds per megapixel, by the side of the scene": growth,
        "memory, MB, by the side of the scene": measure_memory(),
        "machine": asdict(Machine.describe()),
        "others_cores": watch.read(),
    }
    arguments.output.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    for num_classes, own in times.items():
        print(num_classes, "classes:", own["ours is faster by"])
    print(stages)
    print(growth)
    print(results["memory, MB, by the side of the scene"])


if __name__ == "__main__":
    main()
