r"""How many strokes a scripted annotator needs with and without "where should I draw next?".

    .venv/bin/python -m benchmarks.annotation --root data

On each scene, the annotator first draws one stroke of each class, then one stroke after the other,
each with the class that the labels have there: at the place that the page proposes, at a place by
chance, or as people draw without help, class after class somewhere in the class. After every
stroke the map of the page, by its own engine, is scored: intersection over union, mean over the
classes. Small images of a data set are put together to scenes of about 500 pixels.

The rule for the next place was chosen on scenes of seed 0; the result is of seed 1.

What counts is how many strokes each way takes, after the first ones, to the score that places by
chance reach in the end.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import Machine, Watch
from fewscape.benchmark.main_job.scenes import JobScene, choose_scenes
from fewscape.core import IGNORE
from fewscape.mapping.engine.next_places import Spots, choose_next_places
from fewscape.models.pixel import PixelModel
from fewscape.serve.desk import Desk
from fewscape.serve.features import FeatureStore
from fewscape.serve.painting import Look, paint
from fewscape.serve.workers import Workers
from fewscape.zoo import load

DATASETS = ("penang_map", "dronedeploy_chips", "gid_mtl5", "cloud_shadow")
WAYS = ("next place", "by chance", "class after class")

SIDE, LARGEST = 400, 512
"""Scenes are put together until they are at least as wide, and cut then, pixels."""

RADIUS = 9
"""Of a stroke, pixels."""

FORMAT = "fewscape-annotation/1"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="with the data sets' folders")
    parser.add_argument("--datasets", default=",".join(DATASETS))
    parser.add_argument("--scenes", type=int, default=4, help="of each data set")
    parser.add_argument("--strokes", type=int, default=15, help="after the first ones")
    parser.add_argument("--seed", type=int, default=1, help="of the choice of scenes")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/annotation.json"))
    arguments = parser.parse_args()
    watch, begin = Watch(), time.monotonic()
    model = load("ensemble").pixel
    ways = arguments.ways.split(",")
    curves: dict[str, dict[str, list[list[float]]]] = {}
    for dataset in arguments.datasets.split(","):
        curves[dataset] = {way: [] for way in ways}
        for scene in make_scenes(arguments.root / dataset, arguments.scenes, arguments.seed):
            for way, curve in annotate(scene, model, ways, arguments.strokes).items():
                curves[dataset][way].append(curve)
            told = {way: f"{scores[-1][-1]:.3f}" for way, scores in curves[dataset].items()}
            print(dataset, scene.name, told, flush=True)
        write(arguments, watch, round(time.monotonic() - begin), curves)
    print(arguments.output.with_suffix(".md").read_text())


def write(
    arguments: argparse.Namespace,
    watch: Watch,
    seconds: int,
    curves: dict[str, dict[str, list[list[float]]]],
) -> None:
    """Both result files, of the data sets so far."""
    command = f"python -m benchmarks.annotation --scenes {arguments.scenes}"
    document = {
        "format": FORMAT,
        "command": f"{command} --strokes {arguments.strokes}",
        "machine": asdict(Machine.describe()),
        "others_cores": watch.read(),
        "seconds": seconds,
        "summary": summarise(curves),
        "curves": curves,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(document, indent=1) + "\n")
    arguments.output.with_suffix(".md").write_text(write_table(document))


def make_scenes(folder: Path, count: int, seed: int) -> Iterator[JobScene]:
    """Scenes of at least ``SIDE`` pixels, small images side by side."""
    few = choose_scenes(folder, 1, seed)[0]
    across = max(1, -(-SIDE // max(few.labels.shape)))
    chosen = choose_scenes(folder, count * across**2, seed)
    for first in range(0, len(chosen) - across**2 + 1, across**2):
        tiles = chosen[first : first + across**2]
        height = min(tile.labels.shape[0] for tile in tiles)
        width = min(tile.labels.shape[1] for tile in tiles)
        rows = [tiles[start : start + across] for start in range(0, across**2, across)]
        pixels = [np.concatenate([t.pixels[:, :height, :width] for t in r], axis=2) for r in rows]
        labels = [np.concatenate([t.labels[:height, :width] for t in r], axis=1) for r in rows]
        name = "+".join(tile.name for tile in tiles)
        inside = slice(0, LARGEST), slice(0, LARGEST)
        yield JobScene(
            few.dataset,
            name,
            np.concatenate(pixels, axis=1)[:, *inside],
            np.concatenate(labels)[inside],
            few.class_names,
        )


def annotate(
    scene: JobScene, model: PixelModel[Any], ways: list[str], strokes: int
) -> dict[str, list[float]]:
    """Mean intersection over union after the first strokes and after each further one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.tif"
        scene.write(path)
        first = Annotator(scene, path, model, None)
        curves = {}
        for way in ways:
            one = Annotator(scene, path, model, first.desk.store)
            one.begin()
            curve = [one.score()]
            for number in range(strokes):
                one.draw(*one.choose(way, number))
                curve.append(one.score())
            one.desk.close()
            curves[way] = [round(score, 4) for score in curve]
        first.desk.close()
        return curves


class Annotator:
    """Draws on one scene, and looks at the map."""

    def __init__(
        self, scene: JobScene, path: Path, model: PixelModel[Any], store: FeatureStore | None
    ) -> None:
        self.scene = scene
        self.labels = scene.labels
        file = Path(tempfile.mkdtemp(dir=path.parent)) / "examples.gpkg"
        self.desk = Desk(0, path, file)
        self.desk.equip(model, None)
        if store is not None:
            self.desk.store = store  # the features do not depend on what is drawn
        self.workers = Workers([self.desk], lambda kind, **told: None)
        self.chance = scene.make_generator(0, "strokes")
        self.covered = np.zeros(self.labels.shape, np.bool_)

    def begin(self) -> None:
        """One stroke of each class, the same for every way."""
        for class_id in self.scene.wanted:
            self.draw(*self._pick(self.labels == class_id))

    def choose(self, way: str, number: int) -> tuple[int, int]:
        """Row and column of the next stroke."""
        if way == "by chance":
            return self._pick(self.known)
        if way == "class after class":
            wanted = self.scene.wanted
            return self._pick(self.labels == wanted[number % len(wanted)])
        spots = self.desk.find_spots()
        assert spots is not None
        rows, cols = spots.places.astype(int).T
        is_known = self.known[rows, cols]
        few = Spots(spots.places[is_known], spots.values[is_known], spots.unsure[is_known])
        chosen = choose_next_places(few, self.desk.drawn_means(), 1)
        return (int(chosen[0].row), int(chosen[0].col)) if chosen else self._pick(self.known)

    @property
    def known(self) -> np.ndarray:
        """(H, W) pixels whose class is one of the map's, and nothing is drawn yet."""
        return np.isin(self.labels, self.scene.wanted) & ~self.covered

    def draw(self, row: int, col: int) -> None:
        """A dab of the class that is there."""
        import shapely
        from scipy.ndimage import label

        class_id = int(self.labels[row, col])
        rows, cols = np.ogrid[: self.labels.shape[0], : self.labels.shape[1]]
        near = (rows - row) ** 2 + (cols - col) ** 2 <= RADIUS**2
        parts, _ = label(near & (self.labels == class_id))
        mask = parts == parts[row, col]
        self.covered |= mask
        pixels = np.argwhere(mask)
        squares = shapely.box(pixels[:, 1], pixels[:, 0], pixels[:, 1] + 1, pixels[:, 0] + 1)
        shape = shapely.unary_union(squares)
        name = self.scene.class_names[class_id]
        example = {"class": name, "geometry": shapely.geometry.mapping(shape)}
        self.desk.drawing.change([{"do": "put", "example": example}])

    def score(self) -> float:
        """Of the map that the page shows."""
        store = self.desk.store
        assert store is not None
        self.workers.follow(self.desk)
        learnt = self.desk.learnt
        assert learnt is not None
        found = np.zeros(self.labels.shape, np.int16)
        ids = {name: number for number, name in self.scene.class_names.items()}
        channels = np.array([ids.get(name, IGNORE) for name in learnt.channels])
        stride = store.model.stride
        for place in store.places:
            core = store.get(place)
            painted = paint(store.model, learnt, core, Look(is_sketch=True))
            assert painted is not None
            self.desk.keep(place, painted)
            classes = channels[painted.shares.argmax(axis=0)].repeat(stride, 0).repeat(stride, 1)
            row, col, height, width = store.window(place)
            part = found[row : row + height, col : col + width]
            part[:] = classes[: part.shape[0], : part.shape[1]]
        scores = []
        is_judged = np.isin(self.labels, self.scene.wanted)
        for class_id in self.scene.wanted:
            own, mapped = self.labels == class_id, (found == class_id) & is_judged
            scores.append((own & mapped).sum() / (own | mapped).sum())
        return float(np.mean(scores))

    def _pick(self, mask: np.ndarray) -> tuple[int, int]:
        places = np.argwhere(mask & ~self.covered)
        row, col = places[self.chance.integers(len(places))]
        return int(row), int(col)


def summarise(curves: dict[str, dict[str, list[list[float]]]]) -> dict[str, Any]:
    """Mean curves and strokes to the last score of places by chance, by data set and over all."""
    told: dict[str, Any] = {}
    means = {
        dataset: {way: np.mean(scenes, axis=0) for way, scenes in ways.items()}
        for dataset, ways in curves.items()
    }
    ways = list(next(iter(means.values())))
    means["all"] = {way: np.mean([means[name][way] for name in curves], axis=0) for way in ways}
    for dataset, found in means.items():
        target = float(found["by chance"].max()) if "by chance" in found else 0.0
        told[dataset] = {
            way: {
                "first": round(float(curve[0]), 4),
                "last": round(float(curve[-1]), 4),
                "mean": round(float(curve[1:].mean()), 4),
                "strokes": count_strokes(curve, target),
            }
            for way, curve in found.items()
        }
    return told


def count_strokes(curve: np.ndarray, target: float) -> float | None:
    """Strokes after the first ones until a curve reaches a score for the first time; None if never.

    Between two strokes the score is taken to grow evenly.
    """
    for number, score in enumerate(curve.tolist()):
        if score >= target:
            if number == 0:
                return 0.0
            before = float(curve[number - 1])
            return round(number - 1 + (target - before) / (score - before), 2)
    return None


def write_table(document: dict[str, Any]) -> str:
    """The summary as Markdown."""
    lines = [
        "# Strokes to the same map, with and without a proposed place",
        "",
        f"`{document['command']}`, {document['seconds']} s.",
        "",
        "Mean intersection over union of the classes, after one stroke of each class (first), over"
        " all further strokes (mean), after the last one (last), and the number of further strokes"
        " until the score is reached that places by chance reach at best.",
        "",
        "| data set | way | first | mean | last | strokes |",
        "|---|---|---|---|---|---|",
    ]
    for dataset, ways in document["summary"].items():
        for way, one in ways.items():
            strokes = "not reached" if one["strokes"] is None else one["strokes"]
            lines.append(
                f"| {dataset} | {way} | {one['first']:.3f} | {one['mean']:.3f} "
                f"| {one['last']:.3f} | {strokes} |"
            )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
