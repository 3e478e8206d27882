"""``fewscape demo``: the whole way from a few examples to a scored map, offline."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fewscape.cli.demo_examples import Geometries
    from fewscape.cli.demo_scene import DemoScene
    from fewscape.scene import Examples, MapResult

SUMMARY = "see it work: a synthetic scene mapped from three examples a class"
EXAMPLE = "fewscape demo --output demo_output"

DEFAULT_SEED = 28
"""A scene with lakes, a river, greenhouses and sports grounds."""

WHAT = {
    "scene.tif": "the scene",
    "truth.tif": "the truth, in the ids of the map",
    "examples.gpkg": "the examples, as a person would draw them",
    "scene_classes.tif": "the map: 0 background, 1 and 2 the classes",
    "scene.gpkg": "the map as polygons with score, area and perimeter",
    "scene_preview.png": "scene and map side by side",
    "demo.png": "the demo at a glance",
}
"""Files by name; the others are probabilities, and styles for QGIS."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """What the network was shown, what it wrote, and how good that is."""

    examples: Examples
    result: MapResult
    scores: Mapping[str, float]
    """IoU of each class outside the crops of all examples."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--output", type=Path, default=Path("demo_output"), help="folder to write")
    parser.add_argument("--size", type=int, default=2048, help="side of the scene, pixels (2048)")
    parser.add_argument(
        "--seed", type=int, default=DEFAULT_SEED, help=f"of the scene ({DEFAULT_SEED})"
    )
    parser.add_argument(
        "--model", default="embedded", help="model folder that names its held-out classes"
    )


def run(arguments: argparse.Namespace) -> int:
    """Make a scene, pick examples, map, score, draw and tell."""
    from fewscape.cli.demo_examples import pick_examples, write_examples
    from fewscape.cli.demo_scene import NUM_EXAMPLES, find_scene, write_files
    from fewscape.raster import StagedFiles

    begin = time.perf_counter()
    names = find_unseen(arguments.model)
    with StagedFiles(arguments.output):
        pass  # a folder that cannot be written is told before any work
    print(f"classes that the network was not trained on: {', '.join(names)}")
    scene = find_scene(names, arguments.size, arguments.seed, print)
    print(f"made a scene of {scene.grid.height} x {scene.grid.width} pixels with seed {scene.seed}")
    files = [*write_files(scene, arguments.output), arguments.output / "examples.gpkg"]
    outlines = {name: pick_examples(found, NUM_EXAMPLES) for name, found in scene.objects.items()}
    write_examples(files[-1], outlines, scene.grid)
    mapped = _map(arguments.model, files[0], files[-1], scene)
    picture = arguments.output / "demo.png"
    _draw(picture, scene, outlines, mapped)
    _tell_scores(scene, mapped)
    _tell_files(arguments.output, [*files, *mapped.result.files, picture])
    print(f"all of it took {time.perf_counter() - begin:.0f} s; the same map again:")
    option = " --examples_are objects"
    option += "" if arguments.model == "embedded" else f" --model {arguments.model}"
    print(f"  fewscape map {files[0]} --examples {files[-1]} --output maps{option}")
    return 0


def find_unseen(model: str) -> list[str]:
    """The first two classes that a model folder says it was not trained on.

    Raises:
        ModelFolderError: the folder is missing, incomplete, or names fewer than two.
    """
    from fewscape.core import ModelFolderError
    from fewscape.zoo import open_folder

    folder = open_folder(model)
    held_out = [str(name) for name in folder.config.get("training", {}).get("held_out", [])]
    if len(held_out) < 2:
        count = "one class" if held_out else "no class"
        raise ModelFolderError(
            f"the model folder '{folder.path}' names {count} that it was not trained on",
            "the demo maps two, the first of 'held_out' under 'training' in config.json",
            "train a network with two or more classes in 'held_out'",
        )
    return held_out[:2]


def _map(model: str, image: Path, polygons: Path, scene: DemoScene) -> Mapped:
    """What ``fewscape map`` does with its defaults, and the score."""
    from rich.console import Console
    from rich.progress import Progress

    from fewscape.cli.demo_score import score_map
    from fewscape.core import Policy
    from fewscape.raster import SceneReader
    from fewscape.scene import (
        FewShotSegmenter,
        MapOptions,
        cut_examples,
        map_scene,
        read_annotations,
    )
    from fewscape.zoo import load_model

    network = load_model(model)
    tags = {"MODEL": model, "EXAMPLES": polygons.name}
    with (
        SceneReader(image) as reader,
        Progress(console=Console(stderr=True), transient=True) as bar,
    ):
        drawn = read_annotations(polygons, reader, examples_are="objects")
        examples = cut_examples(drawn, reader, cell=network.backbone.strides[0])
        segmenter = FewShotSegmenter(network, examples, Policy.choose())
        task = bar.add_task("mapping", total=scene.truth.size)
        result = map_scene(
            reader,
            segmenter,
            image.parent,
            MapOptions(tags=tags),
            lambda pixels: bar.advance(task, pixels),
        )
    windows = [shot.window for shots in examples.shots for shot in shots]
    scores = score_map(image.parent / "scene_classes.tif", scene.truth, windows)
    return Mapped(examples, result, dict(zip(scene.names, scores, strict=True)))


def _draw(path: Path, scene: DemoScene, outlines: Mapping[str, Geometries], mapped: Mapped) -> None:
    from fewscape.cli.demo_picture import Shown, draw_demo
    from fewscape.cli.demo_score import read_classes
    from fewscape.raster import choose_colours

    shown = [
        Shown(name, colour, outlines[name], [shot.window for shot in shots], mapped.scores[name])
        for name, colour, shots in zip(
            scene.names, choose_colours(scene.names), mapped.examples.shots, strict=True
        )
    ]
    height, width = scene.truth.shape
    facts = (
        f"Synthetic scene, {height} x {width} pixels. The network was trained on neither class. "
        f"Mapped in {mapped.result.seconds:.0f} s. IoU outside the framed crops."
    )
    classes = read_classes(path.parent / "scene_classes.tif")
    draw_demo(path, scene.image, classes, shown, facts)


def _tell_scores(scene: DemoScene, mapped: Mapped) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("class", "crops left out (row, column)", box=None, header_style="bold")
    table.add_column("IoU", justify="right")
    for name, shots in zip(mapped.examples.class_names, mapped.examples.shots, strict=True):
        places = " ".join(f"({shot.window.row}, {shot.window.col})" for shot in shots)
        table.add_row(name, places, f"{100 * mapped.scores[name]:.1f} %")
    side = mapped.examples.shots[0][0].window.height
    result = mapped.result
    Console().print(table)
    print(f"IoU over the whole scene without the crops, {side} x {side} pixels around examples")
    print(
        f"mapped {result.pixels / 1e6:.2f} MP in {result.seconds:.1f} s, "
        f"{result.megapixels_per_second:.2f} MP/s"
    )


def _tell_files(folder: Path, files: Sequence[Path]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    table.add_column(f"files in {folder}", no_wrap=True)
    table.add_column("MB", justify="right")
    table.add_column("what it is")
    for path in files:
        size = f"{path.stat().st_size / 1e6:.2f}"
        other = "how QGIS shows it" if path.suffix == ".qml" else "probability in steps of 1 / 254"
        table.add_row(path.name, size, WHAT.get(path.name, other))
    Console().print(table)
