"""Scenes over the nodes of a Ray cluster: networks as actors, sections as tasks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fewscape.core import require
from fewscape.raster import SceneReader, StagedFiles
from fewscape.scene.assembly import MapResult, assemble
from fewscape.scene.journal import Journal, join_runs, pack_section
from fewscape.scene.memory import MemoryPlan
from fewscape.scene.runner import MapOptions, begin_map, make_sections, plan_memory
from fewscape.scene.segmenter import Segmenter

SECTIONS_PER_TASK = 8
"""A task computes up to two rows of windows more than its sections; larger tasks, less of that."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RayOptions:
    """How the cluster is used.

    Attributes:
        address: of a running cluster, such as ``auto``; None starts Ray on this machine.
        workers: networks at a time; each takes one GPU where there are some, else one processor.
        gpus: of each worker.
    """

    address: str | None = None
    workers: int = 2
    gpus: float = 0.0


class SectionMaker:
    """An actor: a network that makes sections of any scene.

    Args:
        make_segmenter: builds the network; called once, on the actor's node.
        open_scene: opens a scene by its path, there too; nodes see the same files.
        options: of the maps.
    """

    def __init__(
        self,
        make_segmenter: Callable[[], Segmenter],
        open_scene: Callable[[str], SceneReader],
        options: MapOptions,
    ) -> None:
        self.segmenter = make_segmenter()
        self.open_scene = open_scene
        self.options = options

    def __call__(self, task: Row) -> Iterator[Row]:
        """Packed sections of one task."""
        with self.open_scene(str(task["scene"])) as scene:
            memory = plan_memory(scene, self.segmenter, self.options)
            run = int(task["first"]), int(task["stop"])
            made = make_sections(scene, self.segmenter, self.options.overlap, memory, run)
            for section, parts in made:
                yield {
                    "scene": task["scene"],
                    "section": section,
                    "packed": b"".join(pack_section(parts)),
                }


def map_with_ray(
    scenes: Sequence[str],
    segmenter: Segmenter,
    make_segmenter: Callable[[], Segmenter],
    open_scene: Callable[[str], SceneReader],
    folder: Path | str,
    options: MapOptions,
    cluster: RayOptions,
) -> Iterator[tuple[str, MapResult]]:
    """Map scenes on a Ray cluster, the windows of one scene on several nodes.

    Tasks come from Ray Data, which repeats those of a node or a worker that was lost. Finished
    sections go through this process into the journal, so a lost driver goes on where it was,
    and the files have the bytes that ``map_scene`` gives them.

    Args:
        scenes: paths; each is written when its last section is there.
        segmenter: the network, for what the plans need of it.
        make_segmenter: builds the same one; called on every actor.
        open_scene: opens a scene by its path.
        folder: where the files go, on this machine.
        options: see ``map_scene``; what is finished is always kept.
        cluster: see ``RayOptions``.

    Returns:
        Path and result of every scene, in the order in which they were finished.

    Raises:
        MissingPackageError: Ray is not installed.
        SceneError: see ``map_scene``.
        OutputError: likewise.
    """
    require("ray.data", "ray")
    begin = time.perf_counter()
    with StagedFiles(folder):
        pass  # a folder that cannot be written is told before any work
    journals: dict[str, tuple[Journal, MemoryPlan]] = {}
    for path in scenes:
        with open_scene(path) as scene:
            memory = plan_memory(scene, segmenter, options)
            journals[path] = begin_map(scene, segmenter, folder, options, memory), memory
    quiet = replace(options, progress=_ignore)  # a progress bar cannot travel to the nodes
    missing = {path: set(journal.missing()) for path, (journal, _) in journals.items()}
    tasks = [task for path in scenes for task in _plan_tasks(path, sorted(missing[path]))]
    for path in [path for path in scenes if not missing[path]]:
        yield path, _finish(journals[path], folder, begin)
    for row in _run(tasks, make_segmenter, open_scene, quiet, cluster):
        path, section = row["scene"], row["section"]
        journal = journals[path][0]
        journal.write_packed(section, [row["packed"]])
        bounds = journal.plan.bounds
        options.progress((bounds[section + 1] - bounds[section]) * journal.plan.width)
        missing[path].discard(section)
        if not missing[path]:
            yield path, _finish(journals[path], folder, begin)


def _plan_tasks(path: str, missing: Sequence[int]) -> Iterator[Row]:
    for first, stop in join_runs(missing):
        for at in range(first, stop, SECTIONS_PER_TASK):
            yield {"scene": path, "first": at, "stop": min(at + SECTIONS_PER_TASK, stop)}


def _run(
    tasks: Sequence[Row],
    make_segmenter: Callable[[], Segmenter],
    open_scene: Callable[[str], SceneReader],
    options: MapOptions,
    cluster: RayOptions,
) -> Iterator[Row]:
    """Finished sections in the order in which they come."""
    if not tasks:
        return
    import ray

    for name in ("ray", "ray.data"):  # what a cluster tells of itself is no matter of a map
        logging.getLogger(name).setLevel(logging.ERROR)
    if not ray.is_initialized():
        ray.init(
            address=cluster.address,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    ray.data.DataContext.get_current().enable_progress_bars = False
    made = ray.data.from_items(list(tasks), override_num_blocks=len(tasks)).flat_map(
        SectionMaker,
        fn_constructor_args=(make_segmenter, open_scene, options),
        compute=ray.data.ActorPoolStrategy(size=min(cluster.workers, len(tasks))),
        num_gpus=cluster.gpus or None,
        num_cpus=None if cluster.gpus else 1,
    )
    yield from made.iter_rows()


def _finish(opened: tuple[Journal, MemoryPlan], folder: Path | str, begin: float) -> MapResult:
    journal, memory = opened
    result = assemble(journal, folder, memory.strip_pixels)
    return replace(result, seconds=time.perf_counter() - begin)


def _ignore(pixels: int) -> None:
    del pixels
