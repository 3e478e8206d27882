"""A scene from file to map, in memory that does not grow with it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from fewscape.core import ConfigError
from fewscape.raster import NODATA, SceneReader, StagedFiles, quantise
from fewscape.scene.assembly import MapResult, assemble
from fewscape.scene.blending import Strip
from fewscape.scene.finishing import OutputOptions
from fewscape.scene.journal import Journal, Planes, join_runs, split_sections
from fewscape.scene.memory import MemoryPlan
from fewscape.scene.plan import make_plan
from fewscape.scene.prediction import plan_scene, predict_strips
from fewscape.scene.preview import LONGEST
from fewscape.scene.segmenter import Segmenter

MAX_CLASSES = 254
"""Class maps are uint8 with 0 for background and 255 for no data."""


@dataclass(frozen=True, slots=True)
class MapOptions:
    """How a scene is mapped."""

    overlap: float = 0.25
    """Share of a window's side that neighbours have in common; at least one cell."""
    batch_size: int = 8
    """Windows that pass the network together."""
    vectors: bool = True
    """Whether to write polygons."""
    preview: bool = True
    """Whether to draw the preview."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Origin of the map, written into every file: model, examples, parameters."""
    progress: Callable[[int], None] = lambda pixels: None
    """Called with the number of pixels finished since the last call."""
    resume: bool = False
    """Keep what is finished if the run is killed, and take up what a killed run left. Only for
    ``tags`` that tell model, examples and parameters apart: they are what a run is known by."""
    max_memory: int | None = None
    """Bytes that mapping may take beside the network and the libraries; None for what is fast."""
    outputs: OutputOptions = field(default_factory=OutputOptions)
    """What is made of the finished rasters."""


def map_scene(
    scene: SceneReader,
    segmenter: Segmenter,
    folder: Path | str,
    options: MapOptions | None = None,
) -> MapResult:
    """Map a scene and write what was found.

    Files, all of them at once when everything is finished::

        <scene>_classes.tif       uint8: 0 background, 1 to K classes, 255 no data; colour table
        <scene>_<class>_prob.tif  uint8: probability in steps of 1 / 254, 255 no data
        <scene>_<layer>.tif       further layers of the network, likewise
        <scene>_*.qml             how QGIS shows each of them
        <scene>.gpkg              polygons with class, score, area and perimeter
        <scene>_preview.png       the scene beside the map
        <scene>.stac.json         a STAC item, if asked for

    Windows without a valid pixel are skipped, invalid pixels get 255. A scene smaller than a
    window is reflected up to one window.

    Args:
        scene: where the windows come from.
        segmenter: the network.
        folder: where the files go; made if absent, older maps of the scene are replaced.
        options: see ``MapOptions``.

    Raises:
        SceneError: the scene is damaged or has no valid pixel.
        OutputError: the folder cannot be written, or the disk is full.
        ConfigError: impossible overlap, too many classes, too little memory, or outputs that
            cannot be made.
    """
    options = options or MapOptions()
    begin = time.perf_counter()
    memory = plan_memory(scene, segmenter, options)
    with _open_journal(scene, segmenter, folder, options, memory) as journal:
        _fill(journal, scene, segmenter, options, memory, (0, journal.plan.num_sections))
        result = assemble(journal, folder, memory.strip_pixels)
    return replace(result, seconds=time.perf_counter() - begin)


def map_shard(
    scene: SceneReader,
    segmenter: Segmenter,
    folder: Path | str,
    options: MapOptions,
    shard: tuple[int, int],
) -> Journal:
    """Make one share of a scene's sections; ``merge_maps`` writes the files when all are there.

    Args:
        scene: where the windows come from.
        segmenter: the network.
        folder: where the files will go; the same for all shards.
        options: the same for all shards; what is finished is always kept.
        shard: number from 1, and how many there are.

    Returns:
        The journal, with what this and other shards have finished.

    Raises:
        SceneError: see ``map_scene``.
        OutputError: likewise.
        ConfigError: likewise.
    """
    memory = plan_memory(scene, segmenter, options)
    with StagedFiles(folder):
        pass  # a folder that cannot be written is told before any work
    journal = begin_map(scene, segmenter, folder, options, memory)
    share = split_sections(journal.plan.num_sections, shard)
    _fill(journal, scene, segmenter, options, memory, share)
    return journal


def plan_memory(scene: SceneReader, segmenter: Segmenter, options: MapOptions) -> MemoryPlan:
    """Sizes of what a map keeps in memory, after a look at the options.

    Raises:
        ConfigError: impossible overlap, too many classes, too little memory, or outputs that
            cannot be made.
    """
    options.outputs.check(scene.path, scene.grid)
    if not 0 <= options.overlap < 1:
        raise ConfigError(
            f"an overlap of {options.overlap} was asked for",
            "it is a share of the window, at least 0 and less than 1",
            "use 0.25",
        )
    if len(segmenter.class_names) > MAX_CLASSES:
        raise ConfigError(
            f"{len(segmenter.class_names)} classes do not fit a class map",
            f"at most {MAX_CLASSES} do",
            "map them in several runs with --classes",
        )
    windows = plan_scene(scene, segmenter, options.overlap)
    return MemoryPlan.make(scene, segmenter, windows, options.batch_size, options.max_memory)


@contextmanager
def _open_journal(
    scene: SceneReader,
    segmenter: Segmenter,
    folder: Path | str,
    options: MapOptions,
    memory: MemoryPlan,
) -> Iterator[Journal]:
    """In the output folder; without ``resume`` in a place that vanishes with an error."""
    with StagedFiles(folder):
        pass  # a folder that cannot be written is told before any work
    if options.resume:
        yield begin_map(scene, segmenter, folder, options, memory)
        return
    with tempfile.TemporaryDirectory(prefix=".fewscape-", dir=folder) as hidden:
        yield begin_map(scene, segmenter, hidden, options, memory)


def begin_map(
    scene: SceneReader,
    segmenter: Segmenter,
    folder: Path | str,
    options: MapOptions,
    memory: MemoryPlan,
) -> Journal:
    """The journal of a map, as an earlier run left it or empty.

    Args:
        scene: where the windows come from.
        segmenter: the network.
        folder: where the journal goes.
        options: see ``map_scene``.
        memory: sizes, see ``plan_memory``.

    Raises:
        SceneError: the scene is damaged or has no valid pixel.
        OutputError: the folder cannot be written.
    """
    with scene.set_cache(segmenter.window, memory.cache_bytes):
        _ = scene.limits  # one look at the whole scene; raises if it is empty
        windows = plan_scene(scene, segmenter, options.overlap)
        journal = Journal(
            folder,
            make_plan(
                scene,
                segmenter,
                windows,
                memory.batch_size,
                options.tags,
                options.vectors,
                options.preview,
                options.outputs,
            ),
        )
        if options.preview:
            journal.save_overview(scene.read_overview(LONGEST)[0])
    return journal


def _fill(
    journal: Journal,
    scene: SceneReader,
    segmenter: Segmenter,
    options: MapOptions,
    memory: MemoryPlan,
    share: tuple[int, int],
) -> None:
    """Make the sections of a share that are missing."""
    missing = journal.missing(*share)
    bounds = journal.plan.bounds
    done = set(range(*share)) - set(missing)
    options.progress(sum(bounds[at + 1] - bounds[at] for at in done) * scene.width)
    for run in join_runs(missing):
        for section, parts in make_sections(scene, segmenter, options.overlap, memory, run):
            journal.write(section, _count(parts, options.progress))


def make_sections(
    scene: SceneReader,
    segmenter: Segmenter,
    overlap: float,
    memory: MemoryPlan,
    run: tuple[int, int],
) -> Iterator[tuple[int, Iterator[Planes]]]:
    """Sections of a map as they are written, each with its number; each is to be used up in turn.

    Args:
        scene: where the windows come from.
        segmenter: the network.
        overlap: see ``plan_scene``.
        memory: sizes, see ``plan_memory``.
        run: first section and the one behind the last.
    """
    bounds = plan_scene(scene, segmenter, overlap).bounds
    with scene.set_cache(segmenter.window, memory.cache_bytes):
        strips = predict_strips(scene, segmenter, overlap, memory.batch_size, run)
        parts = cut_sections(_decide_all(strips, segmenter), bounds, run)
        for section in range(*run):
            yield section, next(parts)


def cut_sections(
    strips: Iterator[tuple[int, Planes]], bounds: tuple[int, ...], run: tuple[int, int]
) -> Iterator[Iterator[Planes]]:
    """Strips as they come, cut at the bounds of sections; each section is to be used up in turn.

    Args:
        strips: first row and planes (P, rows, W), without gaps from the first section on.
        bounds: first row of each section, and the height.
        run: first section and the one behind the last.
    """
    rest: list[tuple[int, Planes]] = []

    def take(until: int) -> Iterator[Planes]:
        reached = -1
        while reached < until:
            row, planes = rest.pop() if rest else next(strips)
            inside = until - row
            reached = row + planes.shape[1]
            yield planes[:, :inside]
            if reached > until:
                rest.append((until, planes[:, inside:]))

    for section in range(*run):
        yield take(bounds[section + 1])


def _decide_all(strips: Iterator[Strip], segmenter: Segmenter) -> Iterator[tuple[int, Planes]]:
    for strip in strips:
        yield strip.row, decide(strip, len(segmenter.class_names), segmenter.threshold)


def _count(parts: Iterator[Planes], progress: Callable[[int], None]) -> Iterator[Planes]:
    for planes in parts:
        yield planes
        progress(planes[0].size)


def decide(strip: Strip, num_classes: int, threshold: float) -> Planes:
    """Classes and the K + L probabilities and layers, (1 + K + L, rows, W), as they are written."""
    # max is sixteen times faster than argmax on planes
    best, index = strip.probabilities[:num_classes].max(dim=0)
    chosen = index.to(torch.uint8).add_(1).mul_(best >= threshold).cpu().numpy()
    planes = np.concatenate([chosen[None], quantise(strip.probabilities.cpu().numpy())])
    if not strip.valid.all():
        planes[:, ~strip.valid] = NODATA
    return planes
