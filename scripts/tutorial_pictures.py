"""Draw pictures of good and bad polygons for the tutorial in docs/images/tutorial.

    python scripts/tutorial_pictures.py

Maps a synthetic scene from polygons drawn in different ways. Each picture shows the polygons and
the map; its caption gives the score against the exact labels, outside all polygons of all pictures.
Takes about a minute.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from fewscape.benchmark.main_job.simulated_user import draw, wanted_classes
from fewscape.cli.main import main as fewscape
from fewscape.demo.examples import trace, write_examples
from fewscape.demo.picture import GROUND, paint, show
from fewscape.demo.scene import DemoScene, find_scene, write_files
from fewscape.demo.score import read_classes, score_map
from fewscape.mapping.examples.reserved_names import BACKGROUND
from fewscape.raster import choose_colours

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images" / "tutorial"
CLASSES = ("field", "water")
SIZE, SEED, DRAWING_SEED = 768, 28, 4
SIDE = 400
"""Size of a panel, pixels."""
COLOURS = 96
"""Number of colours of a picture, to keep the file small."""

Mask = npt.NDArray[np.bool_]
Drawn = Mapping[str, list[Mask]]
"""Masks of the polygons, by class."""


def draw_well(scene: DemoScene) -> Drawn:
    """Three polygons of each class, far apart, and one of each other land cover."""
    generator = np.random.default_rng(DRAWING_SEED)
    wanted = [*scene.classes.values()]
    others = [each for each in wanted_classes(scene.labels, 0.02) if each not in wanted]
    drawings = draw(scene.labels, 12, generator, classes=wanted)
    drawn = {
        name: _spread([each.pixels for each in drawings if each.class_id == number])
        for name, number in scene.classes.items()
    }
    around = draw(scene.labels, 1, generator, classes=others)
    return {**drawn, BACKGROUND: [each.pixels for each in around]}


def _spread(masks: list[Mask]) -> list[Mask]:
    """The first, and two more as far as possible from those before them."""
    centres = np.array([ndimage.center_of_mass(mask) for mask in masks])
    chosen = [0]
    while len(chosen) < 3:
        gaps = np.linalg.norm(centres[:, None] - centres[chosen], axis=-1).min(axis=1)
        chosen.append(int(gaps.argmax()))
    return [masks[each] for each in chosen]


def cross_borders(drawn: Drawn) -> Drawn:
    """The same polygons drawn too large, so that they include neighbouring ground."""
    wide = ndimage.generate_binary_structure(2, 2)
    return {
        name: [ndimage.binary_dilation(mask, wide, iterations=24) for mask in masks]
        if name != BACKGROUND
        else masks
        for name, masks in drawn.items()
    }


def stay_in_one_place(drawn: Drawn) -> Drawn:
    """Three polygons of each class, all within the first good one."""
    return {name: _cut(masks[0]) if name != BACKGROUND else masks for name, masks in drawn.items()}


def _cut(mask: Mask) -> list[Mask]:
    """Cut a polygon into three pieces with gaps between them."""
    columns = np.flatnonzero(mask.any(axis=0))
    parts = np.array_split(columns, 3)
    return [
        mask & np.isin(np.arange(mask.shape[1]), part[: max(1, len(part) - 3)]) for part in parts
    ]


def without_background(drawn: Drawn) -> Drawn:
    """The same polygons without background polygons."""
    return {name: masks for name, masks in drawn.items() if name != BACKGROUND}


WAYS = {
    "good": lambda drawn: drawn,
    "across_borders": cross_borders,
    "one_place": stay_in_one_place,
    "no_background": without_background,
}


def main() -> None:
    """Draw, map, score, and write pictures and ``scores.json``."""
    scene = find_scene(CLASSES, SIZE, SEED, print)
    good = draw_well(scene)
    ways = {name: change(good) for name, change in WAYS.items()}
    covered = np.any(
        [mask for drawn in ways.values() for each in drawn.values() for mask in each], 0
    )
    colours = choose_colours(list(scene.classes))
    scores = {}
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        image, _ = write_files(scene, Path(folder))
        for name, drawn in ways.items():
            outlines = {each: trace(masks) for each, masks in drawn.items()}
            examples = Path(folder, f"{name}.gpkg")
            write_examples(examples, outlines, scene.grid)
            output = Path(folder, name)
            words = ("--examples", examples, "--output", output, "--no_estimate", "--no_vectors")
            assert fewscape(["map", *map(str, (image, *words))]) == 0
            path = output / "scene_classes.tif"
            found = score_map(path, scene.truth, covered)
            scores[name] = {
                each: round(iou, 3) for each, iou in zip(scene.classes, found, strict=True)
            }
            shown = dict(zip([*colours, GROUND], outlines.values(), strict=False))
            by_id = dict(enumerate(colours, start=1))
            _save(name, show(scene.image, shown), paint(scene.image, read_classes(path), by_id))
    (FOLDER / "scores.json").write_text(json.dumps(scores, indent=1) + "\n")
    print(json.dumps(scores, indent=1))


def _save(name: str, *panels: Image.Image) -> None:
    gap = 8
    sheet = Image.new("RGB", (len(panels) * SIDE + (len(panels) - 1) * gap, SIDE), "white")
    for number, panel in enumerate(panels):
        sheet.paste(
            panel.resize((SIDE, SIDE), Image.Resampling.LANCZOS), (number * (SIDE + gap), 0)
        )
    sheet.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
        FOLDER / f"{name}.png", optimize=True
    )


if __name__ == "__main__":
    main()
