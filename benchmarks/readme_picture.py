r"""Draw the README's picture: a real scene, the polygons, two maps and the truth.

    .venv/bin/python -m benchmarks.readme_picture --root DATA

Uses the records and maps that ``benchmarks.main_job`` keeps in ``--work``; DATA holds Dubai/MBRSC
(CC0) as a labelled folder. The picture shows the scene with the median mean IoU of ``fewscape map``
among those that both models mapped (the lower one of two). All scores are in
``results/readme_picture.json``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.machine import REPOSITORY
from benchmarks.main_job_maps import SHOWN, is_pictured, map_path, read_kept
from benchmarks.main_job_records import read_records
from fewscape.benchmark.main_job.drawings import draw_scene
from fewscape.benchmark.main_job.scenes import JobScene, choose_scenes
from fewscape.demo.examples import trace
from fewscape.demo.picture import Panel, Row, draw_sheet, paint, show
from fewscape.evaluation import write_results
from fewscape.raster import choose_colours

DATASET = "dubai_mbrsc"
SEED = 0
MOST_SCENES = 20
MODELS = {"ensemble": "fewscape map", "maximum_likelihood": "maximum likelihood"}
"""Models and their titles; the first selects the scene."""

PICTURE = REPOSITORY / "docs" / "images" / "main_job.jpg"
RESULT = REPOSITORY / "benchmarks" / "results" / "readme_picture.json"

Record = dict[str, Any]


def main() -> None:
    """Choose a scene, draw it, write the scores."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--work", type=Path, default=Path("runs/main_job"), help="of the records")
    arguments = parser.parse_args()
    rows = find_rows(arguments.work)
    if not rows:
        sys.exit(f"'{arguments.work}' holds no maps of '{DATASET}'; run benchmarks.main_job first")
    name = choose_typical({scene: own[next(iter(MODELS))]["score"] for scene, own in rows.items()})
    scenes = choose_scenes(arguments.root / DATASET, MOST_SCENES, SEED)
    (scene,) = (each for each in scenes if each.name == name)
    maps = {model: read_kept(arguments.work, rows[name][model]) for model in MODELS}
    draw_sheet(PICTURE, [_show(scene, maps, rows[name])])
    scores = {
        scene: {
            model: {key: record[key] for key in ("score", "classes", "commit")}
            for model, record in own.items()
        }
        for scene, own in rows.items()
    }
    write_results(
        {"format": "fewscape-readme-picture/1", "shown": name, **SHOWN, "scenes": scores}, RESULT
    )
    print(f"{name}: {PICTURE}")


def find_rows(work: Path) -> dict[str, dict[str, Record]]:
    """Records by scene and model, for scenes with both maps."""
    found: dict[str, dict[str, Record]] = {}
    for record in read_records(work).values():
        is_meant = record["dataset"] == DATASET and record["seed"] == SEED
        is_shown = is_meant and record["model"] in MODELS and is_pictured(record)
        if is_shown and map_path(work, record).exists():
            found.setdefault(record["scene"], {})[record["model"]] = record
    return {scene: own for scene, own in sorted(found.items()) if set(own) == set(MODELS)}


def choose_typical(scores: dict[str, float]) -> str:
    """The scene with the median score, the lower one of two."""
    order = sorted(scores, key=lambda name: (scores[name], name))
    return order[(len(order) - 1) // 2]


def _show(
    scene: JobScene, maps: dict[str, npt.NDArray[np.uint8]], records: dict[str, Record]
) -> Row:
    wanted = {number: scene.class_names[number] for number in scene.wanted}
    colours = dict(zip(wanted, choose_colours(list(wanted.values())), strict=True))
    drawings = draw_scene(scene, wanted, SHOWN["polygons"], SHOWN["form"], SEED)
    outlines = {
        colour: trace([each.pixels for each in drawings if each.class_id == number])
        for number, colour in colours.items()
    }
    pixels = scene.pixels[:3]
    panels = [
        Panel(f"{SHOWN['polygons']} polygons of each class", show(pixels, outlines)),
        *(
            Panel(
                words,
                paint(pixels, maps[model], colours),
                f"mean IoU {100 * records[model]['score']:.1f} %",
            )
            for model, words in MODELS.items()
        ),
        Panel("truth", paint(pixels, scene.labels, colours)),
    ]
    legend = {wanted[number]: colour for number, colour in colours.items()}
    return Row(f"Dubai, {scene.name}", panels, legend)


if __name__ == "__main__":
    main()
