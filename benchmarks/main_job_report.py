"""The main job's result files, from the records of its runs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.machine import REPOSITORY, Machine
from benchmarks.main_job_maps import PICTURED, SHOWN, is_pictured, map_path, read_kept
from benchmarks.main_job_pictures import Worst, draw_worst
from benchmarks.main_job_records import Record, read_records
from fewscape.benchmark.main_job.curves import draw_curves
from fewscape.benchmark.main_job.scenes import choose_scenes
from fewscape.benchmark.main_job.summary import YARDSTICKS, summarise
from fewscape.benchmark.main_job.tables import make_means_table, make_sets_table, make_tests_table
from fewscape.evaluation import write_results

FORMAT = "fewscape-main-job/1"

SEEN = ("dubai_mbrsc", "s2_india", "s2_india+nir")
"""Sets whose images taught the model that comes with the package, and which may be shown."""

RESULTS = REPOSITORY / "benchmarks" / "results"
CURVES = REPOSITORY / "docs" / "images" / "main_job_curves.png"
WORST = REPOSITORY / "docs" / "images" / "main_job_worst.jpg"

PACKAGED = "ensemble"
"""The model that comes with the package."""

NUM_WORST = 2
"""Maps of each set that are shown."""

INTRODUCTION = """\
# The main job: a few polygons in a scene, the rest mapped

A simulated user draws in real scenes, `fewscape map` maps the rest, and the labelled pixels that
were not drawn are scored. Numbers are percent: the mean IoU over the classes of a scene, over the
scenes of a set, over the sets; of the task *absent* the share of pixels that are falsely mapped.
In brackets are 95 % intervals (scenes drawn anew within their sets). The best yardstick of a
column stands in *italics*: the one of maximum likelihood, random forest and pixel trees with the
best mean. Models with fewer scenes than others say so. All models see the same drawings, and those
of fewer polygons are the first of those of more. Written by `benchmarks/main_job.py`.

Tasks: *all*: every class of the scene is drawn; *one*: one class, all others as background;
*alone*: one class and nothing else; *across*: another scene of the set is mapped; *absent*: a scene
is mapped that does not show the class.
"""


INDEPENDENCE = """\
No image of these sets taught the packaged weights. They are not fully independent all the same: the
ensemble's fixed numbers (weights of the experts, of the priors, the guided filter) were chosen in a
development study on scenes of the same sets, some of which may be among these. Maximum likelihood
has little variance added (0.001); with more (0.3) it was stronger with one polygon in that study.
With one class alone, the yardsticks take a sample of the scene as background."""
"""How far the scores are held out, and how strong the yardsticks are."""


def write_report(root: Path, work: Path, seed: int, shown: str | None) -> None:
    """Write ``main_job.json``, ``main_job.md`` and the pictures.

    Args:
        root: folder of the sets.
        work: folder of the records.
        seed: whose records are meant.
        shown: model whose worst maps are shown; that of the package if not given.
    """
    records = [own for own in read_records(work).values() if own["seed"] == seed]
    if not records:
        sys.exit(f"there are no records of seed {seed} in '{work}'; run without --report first")
    document = make_document(records)
    write_results(document, RESULTS / "main_job.json")
    (RESULTS / "main_job.md").write_text(make_markdown(document), "utf-8")
    CURVES.parent.mkdir(parents=True, exist_ok=True)
    draw_curves([cell for cell in document["unseen"] if not cell["is_share"]], CURVES)
    _draw_pictures(root, work, seed, records, shown)
    print(f"{len(records)} records: {RESULTS / 'main_job.json'}, main_job.md, {CURVES}")


def make_document(records: Sequence[Record]) -> dict[str, Any]:
    """What the JSON file holds.

    Args:
        records: of one seed.

    Returns:
        ``unseen`` and ``seen``: cells of ``summarise`` over the sets that the packaged model was
        not trained on, and over the others; ``scores``: each score by task, form, polygons,
        model, set and scene, from which the cells follow.
    """
    unseen = [record for record in records if record["dataset"] not in SEEN]
    seen = [record for record in records if record["dataset"] in SEEN]
    return {
        "format": FORMAT,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": asdict(Machine.describe()),
        "median_load": median(record["load"] for record in records),
        "commits": {
            name: sorted({own["commit"] for own in records if own["model"] == name})
            for name in sorted({record["model"] for record in records})
        },
        "seed": records[0]["seed"],
        "yardsticks": list(YARDSTICKS),
        "seen_in_training": list(SEEN),
        "unseen": summarise(unseen),
        "seen": summarise(seen),
        "scores": _nest(records),
        "failures": _count_failures(records),
    }


def make_markdown(document: Mapping[str, Any]) -> str:
    """The tables for readers, of ``make_document``."""
    unseen, seen = document["unseen"], document["seen"]
    num_sets = len({name for cell in unseen for name in cell["sets"]})
    title = f"## {num_sets} sets that taught the packaged weights nothing"
    lines = [INTRODUCTION, title, "", INDEPENDENCE, ""]
    lines += [*_tell_goal(unseen), *make_means_table(unseen)]
    lines += ["### Beside the best yardstick", ""]
    lines += [*make_tests_table(unseen)]
    lines += ["![curves](../../docs/images/main_job_curves.png)", ""]
    lines += [
        f"## Seen in training: {', '.join(document['seen_in_training'])}",
        "",
        f"Images of these sets taught the model `{PACKAGED}`; for all others they are as new as "
        "the rest.",
        "",
        *make_means_table(seen),
        *make_tests_table(seen),
    ]
    lines += ["The worst maps of these:", "", "![worst](../../docs/images/main_job_worst.jpg)", ""]
    lines += ["## Set by set", "", *make_sets_table(_join_sets(unseen, seen))]
    lines += ["## How it was run", "", *_tell_run(document)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _tell_goal(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whether three polygons give what the best yardstick needs ten for."""
    by_count = {
        cell["polygons"]: cell for cell in cells if (cell["task"], cell["form"]) == ("all", "areas")
    }
    if not {3, 10} <= set(by_count):
        return []
    three, ten = by_count[3]["models"], by_count[10]
    own = {name: each["mean"] for name, each in three.items() if name not in YARDSTICKS}
    if not own or ten["yardstick"] not in YARDSTICKS:
        return []
    best = max(own, key=lambda name: own[name])
    yard = ten["models"][ten["yardstick"]]["mean"]
    return [
        f"Three polygons a class give `{best}` {100 * own[best]:.1f}; ten give the best yardstick "
        f"(`{ten['yardstick']}`) {100 * yard:.1f}.",
        "",
    ]


def _join_sets(
    unseen: Sequence[Mapping[str, Any]], seen: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Cells with the sets of both groups, those of the second marked."""
    keys = ("task", "form", "polygons")
    others = {tuple(cell[key] for key in keys): cell for cell in seen}
    joined = []
    for cell in unseen:
        other = others.get(tuple(cell[key] for key in keys))
        marked = {f"{name} (seen)": own for name, own in other["sets"].items()} if other else {}
        joined.append({**cell, "sets": cell["sets"] | marked})
    return joined


def _tell_run(document: Mapping[str, Any]) -> list[str]:
    machine = document["machine"]
    lines = [
        f"* {machine['processor']}, {machine['num_processors']} processors, median load "
        f"{document['median_load']:.1f}: seconds are those of a shared machine, with one thread "
        "or two.",
        f"* Report of commit {machine['commit'][:10]}; maps of "
        + "; ".join(
            f"{name}: {', '.join(commit[:10] for commit in commits)}"
            for name, commits in document["commits"].items()
        )
        + ".",
    ]
    if document["failures"]:
        lines += ["* Maps that were not made count as empty; their reasons:"]
        lines += [
            f"  * `{each['model']}`, {each['task']}: {each['count']} maps, as {each['example']}"
            for each in document["failures"]
        ]
    return lines


def _count_failures(records: Sequence[Record]) -> list[dict[str, Any]]:
    """How many maps each model could not make of a task, and what one of them lacked."""
    found: dict[tuple[str, str], list[str]] = {}
    for record in records:
        found.setdefault((record["model"], record["task"]), []).extend(record["failures"])
    return [
        {"model": model, "task": task, "count": len(own), "example": own[0]}
        for (model, task), own in sorted(found.items())
        if own
    ]


def _nest(records: Sequence[Record]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for record in records:
        key = f"{record['task']} {record['form']} {record['polygons']}"
        place = nested.setdefault(key, {}).setdefault(record["model"], {})
        score = record["score"]
        rounded = None if score is None else round(score, 4)
        place.setdefault(record["dataset"], {})[record["scene"]] = rounded
    return nested


def _draw_pictures(
    root: Path, work: Path, seed: int, records: Sequence[Record], shown: str | None
) -> None:
    own = [each for each in records if is_pictured(each) and map_path(work, each).is_file()]
    names = sorted({record["model"] for record in own})
    model = shown or (PACKAGED if PACKAGED in names else next(iter(names), None))
    cases = []
    for dataset in PICTURED:
        ranked = sorted(
            (each for each in own if (each["dataset"], each["model"]) == (dataset, model)),
            key=lambda each: float(each["score"]),
        )
        if not ranked:
            continue
        count = len({each["scene"] for each in records if each["dataset"] == dataset})
        scenes = {each.name: each for each in choose_scenes(root / dataset, count, seed)}
        for record in ranked[:NUM_WORST]:
            title = f"{dataset} {record['scene']}, {model} {100 * record['score']:.0f} %"
            cases.append(Worst(scenes[record["scene"]], read_kept(work, record), title))
    if cases:
        draw_worst(cases, SHOWN["polygons"], seed, WORST)
