r"""The main job: a few polygons in a scene, the rest mapped by the real ``fewscape map``.

    .venv/bin/python -m benchmarks.main_job --root data --part 1/2 \
        --models maximum_likelihood,random_forest,pixel_trees,embedded \
        prototype@data/pretrained/mobilenetv2_100_tf_imagenet.safetensors
    .venv/bin/python -m benchmarks.main_job --root data --report

Every finished scene is a line in ``--work``; the same command goes on where it was stopped, several
parts may run at once, and what matters most is done first. After a model has changed,
``--forget MODEL`` drops its lines. ``--report`` makes ``results/main_job.json`` and ``.md`` and two
pictures of whatever is there.

Scores are the mean IoU over the classes of a scene, over its pixels that were not drawn; then the
mean over the scenes of a set, then over the sets.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.machine import Machine
from benchmarks.main_job_maps import is_pictured, keep_map
from benchmarks.main_job_records import (
    append_record,
    forget_models,
    is_final,
    make_key,
    read_records,
)
from benchmarks.main_job_report import write_report
from fewscape.benchmark.main_job.jobs import JobModel, MainJob
from fewscape.benchmark.main_job.scenes import choose_scenes
from fewscape.benchmark.main_job.score import Found
from fewscape.benchmark.main_job.tasks import TASKS
from fewscape.cli import values
from fewscape.cli.main import main as fewscape
from fewscape.zoo import check_model

SETS = (
    *("dronedeploy_chips", "gid_mtl5", "penang_map", "forest_ru", "turf", "cloud_shadow"),
    *("flood_area", "epfl_roads", "inria_kitsap"),
    *("dubai_mbrsc", "s2_india", "s2_india+nir"),
)
"""Folders below the root; the last three taught the model that comes with the package."""

MODELS = ("maximum_likelihood", "random_forest", "pixel_trees", "embedded")

PLAN = (
    *(("all", "areas", polygons) for polygons in (3, 1)),
    *((task, "areas", 3) for task in ("one", "alone", "across", "absent")),
    *(("all", "areas", polygons) for polygons in (10, 5)),
    *((task, "areas", 1) for task in ("one", "alone", "across", "absent")),
    *(("all", form, 3) for form in ("scribbles", "points")),
    ("alone", "objects", 3),
    *((task, "areas", polygons) for polygons in (10, 5) for task in ("one", "alone")),
    *(("all", form, polygons) for polygons in (1, 10) for form in ("scribbles", "points")),
    *(("alone", "objects", polygons) for polygons in (1, 10)),
)
"""Tasks, forms and drawings a class, in the order in which they are run."""


class Cell(NamedTuple):
    """What all models are asked for."""

    job: MainJob
    scene: int
    task: str
    form: str
    polygons: int


def main() -> None:
    arguments = _read_arguments()
    if arguments.forget:
        print(f"{forget_models(arguments.work, arguments.forget)} records forgotten")
    elif arguments.report:
        write_report(arguments.root, arguments.work, arguments.seed, arguments.shown)
    else:
        run(arguments)


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="folder of the sets")
    parser.add_argument("--work", type=Path, default=Path("runs/main_job"), help="of the records")
    parser.add_argument(
        "--models", type=values.names, nargs="+", default=[list(MODELS)], help="MODEL[@WEIGHTS]"
    )
    parser.add_argument("--sets", type=values.names, default=list(SETS), help="only these")
    parser.add_argument("--tasks", type=values.names, default=list(TASKS), help="only these")
    parser.add_argument("--forms", type=values.names, help="only these")
    parser.add_argument("--polygons", type=values.counts, help="only these numbers a class")
    parser.add_argument("--scenes", type=values.positive, default=5, help="of each set (5)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", type=values.shard, default=(1, 1), help="such as 1/2")
    parser.add_argument("--report", action="store_true", help="only write the results")
    parser.add_argument("--shown", help="model whose worst maps the report shows")
    parser.add_argument("--forget", type=values.names, help="only drop these models' records")
    return parser.parse_args()


def run(arguments: argparse.Namespace) -> None:
    """Make and score whatever is not in the records yet."""
    models = [JobModel.parse(name) for name in itertools.chain(*arguments.models)]
    for model in models:
        check_model(model.options[1])
    done = {key for key, own in read_records(arguments.work).items() if is_final(own)}
    index, count = arguments.part
    path = arguments.work / f"part-{index}-of-{count}.jsonl"
    commit = Machine.describe().commit
    cells = list(list_cells(arguments))[index - 1 :: count]
    for number, (cell, model) in enumerate(itertools.product(cells, models), 1):
        if make_key(asdict(cell.job.case(*cell[1:], model))) in done:
            continue
        kept: list[Found] = []
        record = cell.job.run(*cell[1:], model, kept.append)
        facts = {"commit": commit, "load": os.getloadavg()[0], "finished": _now()}
        if kept and is_pictured(record):
            keep_map(arguments.work, record, kept[0])
        append_record(path, record | facts)
        _tell(number, len(cells) * len(models), record)


def list_cells(arguments: argparse.Namespace) -> Iterator[Cell]:
    """The plan over all sets, scene after scene."""
    folders = [arguments.root / name for name in arguments.sets]
    chosen = [choose_scenes(each, arguments.scenes, arguments.seed) for each in folders]
    jobs = [MainJob(scenes, fewscape, arguments.seed) for scenes in chosen]
    for task, form, polygons in PLAN:
        if (
            task not in arguments.tasks
            or (arguments.forms and form not in arguments.forms)
            or (arguments.polygons and polygons not in arguments.polygons)
        ):
            continue
        for scene, job in itertools.product(range(arguments.scenes), jobs):
            if scene < len(job.scenes) and job.has_jobs(task, scene, form):
                yield Cell(job, scene, task, form, polygons)


def _now() -> str:
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")


def _tell(number: int, count: int, record: Mapping[str, object]) -> None:
    score = record["score"]
    shown = "-" if score is None else f"{100 * float(str(score)):.1f}"
    what = (record[name] for name in ("dataset", "scene", "task", "form", "polygons", "model"))
    failures: Sequence[str] = record["failures"]  # type: ignore[assignment]
    more = f"; {failures[0]}" if failures else ""
    print(
        f"{number}/{count} {' '.join(map(str, what))}: {shown}, {record['seconds']} s{more}",
        flush=True,
    )


if __name__ == "__main__":
    main()
