"""Map scenes on a Ray cluster: networks are actors, sections are tasks."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fewscape.core import require
from fewscape.mapping.mapper import Mapper, OnProgress, ignore
from fewscape.mapping.output.assembly import FinishedMap, assemble
from fewscape.mapping.output.journal import join_runs, pack_section
from fewscape.mapping.runner import begin_map

SECTIONS_PER_TASK = 8
"""Sections per task; a task computes up to two extra rows of windows, so larger tasks waste
less."""

OpenMapper = Callable[[str], Mapper]
"""Opens the mapper of a map by name."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RayOptions:
    """Options of the cluster.

    Attributes:
        address: address of a running cluster, such as ``auto``; None starts Ray on this machine.
        workers: number of workers; each has one GPU if there are any, otherwise one CPU.
        gpus: GPUs per worker.
    """

    address: str | None = None
    workers: int = 2
    gpus: float = 0.0


class SectionMaker:
    """An actor that makes sections of any map.

    Args:
        make_opener: builds the network and returns a function that opens a map's mapper by name;
            called once, on the actor's node, which must see the same files.
    """

    def __init__(self, make_opener: Callable[[], OpenMapper]) -> None:
        self._open = make_opener()
        self._name = ""
        self._mapper: Mapper | None = None

    def __call__(self, task: Row) -> Iterator[Row]:
        """Make the packed sections of one task."""
        name = str(task["name"])
        mapper = self._find_mapper(name)
        run = int(task["first"]), int(task["stop"])
        with closing(mapper.make_sections(run)) as made:
            for section, parts in made:
                packed = b"".join(pack_section(parts))
                yield {"name": name, "section": section, "packed": packed}

    def _find_mapper(self, name: str) -> Mapper:
        """The mapper of a map; the last one stays open, so that a scene is measured once."""
        if self._mapper is None or self._name != name:
            if self._mapper is not None:
                self._mapper.close()
            self._name, self._mapper = name, self._open(name)
        return self._mapper


def map_with_ray(
    mappers: Mapping[str, Mapper],
    make_opener: Callable[[], OpenMapper],
    folder: Path | str,
    cluster: RayOptions,
    on_progress: OnProgress = ignore,
) -> Iterator[tuple[str, FinishedMap]]:
    """Make maps on a Ray cluster; the sections of a map are spread over nodes.

    Ray Data repeats the tasks of a lost node or worker. This process writes finished sections to
    the journal, so a lost driver can resume, and the files are byte for byte those of ``make_map``.

    Args:
        mappers: mappers by map name; a map is written when its last section is done. Finished
            sections are always kept.
        make_opener: builds the network and returns a function that opens a mapper like these by
            name; called once per actor.
        folder: output folder on this machine.
        cluster: see ``RayOptions``.
        on_progress: see ``OnProgress``.

    Returns:
        Name and result of every map, in the order of completion.

    Raises:
        MissingPackageError: Ray is not installed.
        SceneError: see ``make_map``.
        OutputError: likewise.
        ConfigError: likewise.
    """
    if cluster.address is None:
        _stay_here()
    require("ray.data", "ray")
    unfinished = {}
    for name, mapper in mappers.items():
        unfinished[name] = _Unfinished(mapper, folder, on_progress)
        mapper.close()
    tasks = [task for name, work in unfinished.items() for task in _plan_tasks(name, work.missing)]
    for name, work in unfinished.items():
        if not work.missing:
            yield name, work.finish()
    for row in _run(tasks, make_opener, cluster):
        work = unfinished[row["name"]]
        work.take(row["section"], row["packed"])
        if not work.missing:
            yield row["name"], work.finish()


class _Unfinished:
    """An unfinished map."""

    def __init__(self, mapper: Mapper, folder: Path | str, on_progress: OnProgress) -> None:
        self._begin = time.perf_counter()
        self._folder = folder
        self._on_progress = on_progress
        self._journal = begin_map(mapper, folder)
        self.missing = set(self._journal.missing())
        done = set(range(self._journal.plan.num_sections)) - self.missing
        self._on_progress(sum(map(self._journal.plan.count_pixels, done)))

    def take(self, section: int, packed: bytes) -> None:
        """Store a section made by an actor."""
        self._journal.write_packed(section, [packed])
        self._on_progress(self._journal.plan.count_pixels(section))
        self.missing.discard(section)

    def finish(self) -> FinishedMap:
        """Write the files."""
        result = assemble(self._journal, self._folder)
        return replace(result, seconds=time.perf_counter() - self._begin)


def _plan_tasks(name: str, missing: Iterable[int]) -> Iterator[Row]:
    for first, stop in join_runs(sorted(missing)):
        for at in range(first, stop, SECTIONS_PER_TASK):
            yield {"name": name, "first": at, "stop": min(at + SECTIONS_PER_TASK, stop)}


def _stay_here() -> None:
    """A Ray that is started here takes connections of this machine alone, and with a token.

    Ray reads these settings when it is imported; where it was before, its own hold.
    """
    if "ray" not in sys.modules:
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def _run(
    tasks: Sequence[Row], make_opener: Callable[[], OpenMapper], cluster: RayOptions
) -> Iterator[Row]:
    """Yield finished sections as they arrive."""
    if not tasks:
        return
    import ray

    for name in ("ray", "ray.data"):  # the cluster's own messages are irrelevant here
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
        fn_constructor_args=(make_opener,),
        compute=ray.data.ActorPoolStrategy(size=min(cluster.workers, len(tasks))),
        num_gpus=cluster.gpus or None,
        num_cpus=None if cluster.gpus else 1,
    )
    yield from made.iter_rows()
