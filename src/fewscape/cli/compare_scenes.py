"""``fewscape compare --scenes``: compare models on whole scenes, each from a few polygons."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fewscape.cli import values

if TYPE_CHECKING:
    from fewscape.benchmark.main_job.jobs import JobModel, MainJob

RULE = """\
A simulated user draws in scenes of labelled folders (images/, labels/, classes.json), 'fewscape
map' maps the rest, and the undrawn pixels are scored. FOLDER+nir adds the near infrared in nir/ as
a fourth band. Models are names or model folders; NAME@FILE adds weights, LABEL=NAME sets the label.
Tasks: all (every class is drawn), one (one class, the rest as background), alone (one class and
nothing else), across (the map is of another scene), absent (the map is of a scene without the
class)."""

SCENE_OPTIONS = {"tasks": None, "forms": None, "polygons": None, "num_scenes": None, "seed": None}
"""Options that only scenes take."""

EPISODE_OPTIONS = {
    **{"episodes": None, "root": None, "classes": None, "datasets": None, "limit": None},
    **{"bands": None, "regions": None, "folds": None, "backbone": None},
}
"""Options that only episodes take."""

TASKS, FORMS, POLYGONS, NUM_SCENES, SEED = ["all"], ["areas"], (1, 3, 5, 10), 5, 0
"""Defaults."""


def add_scene_options(group: argparse._ArgumentGroup) -> None:
    """Declare the options."""
    group.add_argument("--scenes", type=values.names, metavar="FOLDER,...", help="labelled folders")
    group.add_argument(
        "--tasks",
        type=values.names,
        help="tasks, comma-separated: all, one, alone, across, absent (all)",
    )
    group.add_argument(
        "--forms",
        type=values.names,
        help="what the user draws: areas, objects, scribbles, points (areas)",
    )
    group.add_argument("--polygons", type=values.counts, help="drawings per class (1,3,5,10)")
    group.add_argument("--num_scenes", type=values.positive, help="scenes per folder, at most (5)")
    group.add_argument("--seed", type=int, help="random seeds of scenes and drawings (0)")


class Cell(NamedTuple):
    """The arguments of one ``MainJob.run``."""

    job: MainJob
    scene: int
    task: str
    form: str
    polygons: int
    model: JobModel


def run(arguments: argparse.Namespace) -> int:
    """Map and score every cell, write the files, print the table."""
    import time

    from fewscape import __version__
    from fewscape.benchmark.main_job.summary import summarise
    from fewscape.benchmark.main_job.tables import make_means_table, make_tests_table
    from fewscape.evaluation import check_writable

    started = time.perf_counter()
    _check(arguments)
    cells = list(_list_cells(arguments))
    check_writable(arguments.output / "results.json")
    records = _run_all(cells)
    summary = summarise(records)
    results = {
        "options": {name: getattr(arguments, name) for name in ("scenes", *SCENE_OPTIONS)},
        "models": arguments.models,
        "cells": summary,
        "records": records,
        "seconds": round(time.perf_counter() - started, 3),
        "version": __version__,
    }
    lines = [*make_means_table(summary), *make_tests_table(summary)]
    _write(arguments.output, results, lines)
    print("\n".join(make_means_table(summary)))
    failures = [failure for record in records for failure in record["failures"]]
    if failures:
        print(f"{len(failures)} maps failed and count as empty; the first error: {failures[0]}")
    print(f"{arguments.output}: results.json, table.md, curves.png")
    return 0


def _check(arguments: argparse.Namespace) -> None:
    """Fill in defaults and refuse options that contradict each other.

    Raises:
        ConfigError: options of episodes were given, or tasks and forms do not fit together.
    """
    from fewscape.benchmark.main_job.jobs import check_task
    from fewscape.core import ConfigError

    why = "scenes come from their folders, and all bands are used"
    values.refuse(arguments, EPISODE_OPTIONS, "was given with --scenes", why)
    if arguments.weights is not None:
        raise ConfigError(
            "--weights was given with --scenes",
            "each model has its own weights",
            f"write them after the model's name, as in prototype@{arguments.weights}",
        )
    defaults = dict(zip(SCENE_OPTIONS, (TASKS, FORMS, POLYGONS, NUM_SCENES, SEED), strict=True))
    for name, default in defaults.items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, default)
    for task, form in itertools.product(arguments.tasks, arguments.forms):
        check_task(task, form)
    alone = [task for task in arguments.tasks if task in ("across", "absent")]
    if alone and arguments.num_scenes < 2:
        raise ConfigError(
            f"the task '{alone[0]}' was asked for with --num_scenes {arguments.num_scenes}",
            "it maps a scene other than the one with the drawings",
            "use --num_scenes 2 or more",
        )


def _list_cells(arguments: argparse.Namespace) -> Iterator[Cell]:
    """List the cells to run, grouped by scene.

    Raises:
        ConfigError: a model is unknown, a label is used twice, or no scene fits any task.
        DatasetError: see ``choose_scenes``.
    """
    from fewscape.benchmark.main_job.jobs import JobModel, MainJob
    from fewscape.benchmark.main_job.scenes import choose_scenes
    from fewscape.cli.main import main
    from fewscape.core import ConfigError
    from fewscape.zoo import check_model

    models = [JobModel.parse(text) for text in arguments.models]
    for model in models:
        check_model(model.options[1])
    _check_unique(
        [model.label for model in models], "models", "give each its own label: LABEL=MODEL"
    )
    device = ("--device", arguments.device, "--precision", arguments.precision)
    options = (*device, "--batch_size", str(arguments.batch_size))
    scenes = [
        choose_scenes(each, arguments.num_scenes, arguments.seed) for each in arguments.scenes
    ]
    jobs = [MainJob(each, main, arguments.seed, options) for each in scenes]
    _check_unique([job.dataset for job in jobs], "folders", "compare them in two runs")
    cells = [
        Cell(job, index, task, form, polygons, model)
        for job in jobs
        for index, task in itertools.product(range(len(job.scenes)), arguments.tasks)
        for form, polygons in itertools.product(arguments.forms, arguments.polygons)
        if job.has_jobs(task, index, form)
        for model in models
    ]
    if not cells:
        raise ConfigError(
            f"no scene fits the tasks {', '.join(arguments.tasks)}",
            "'across' needs two scenes that share two classes, 'absent' a scene that lacks a "
            "class, the form 'objects' a class with several small parts",
            "choose other tasks, or add scenes with --num_scenes",
        )
    yield from cells


def _check_unique(names: Sequence[str], what: str, remedy: str) -> None:
    from fewscape.core import ConfigError

    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ConfigError(
            f"two {what} are called '{twice[0]}'", "their rows would be mixed up", remedy
        )


def _run_all(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    import sys

    from rich.console import Console
    from rich.progress import Progress

    records = []
    with Progress(console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task("scenes", total=len(cells))
        show = partial(progress.advance, task)
        for cell in cells:
            records.append(cell.job.run(*cell[1:]))
            show()
    return records


def _write(output: Path, results: dict[str, Any], lines: Sequence[str]) -> None:
    from fewscape.benchmark.main_job.curves import draw_curves
    from fewscape.core import OutputError, write_bytes
    from fewscape.evaluation import write_results

    try:
        write_bytes(output / "table.md", "\n".join(lines).encode())
        draw_curves(results["cells"], output / "curves.png")
    except OSError as error:
        raise OutputError(
            f"'{output}' cannot be written: {error.strerror}",
            "",
            "free some space or choose another folder",
        ) from error
    write_results(results, output / "results.json")
