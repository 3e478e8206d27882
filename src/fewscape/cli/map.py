"""``fewscape map``: a few examples and scenes in, maps out."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewscape.cli import values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fewscape.raster import SceneReader
    from fewscape.scene import Examples, FewShotSegmenter, MapResult

UNTRAINED_WINDOW = 256
"""Window side for networks that were not trained on one."""

EXAMPLE = """\
fewscape map scene.tif --examples roofs.gpkg --output maps
fewscape map pan.tif --bands 1,1,1 --examples buildings.geojson --output maps
fewscape map target.jpg --examples labels.png --example_scene source.jpg --classes water \\
    --output maps"""

RULE = """\
Polygons (GeoPackage, GeoJSON, Shapefile; any reference system) with a class attribute, or a
label raster on the scene's grid. Crops around the polygons teach the network. What their
unlabelled ground counts as: inside polygons of the class 'area', which mean that everything
in them was drawn, background. In crops without an area, a ring around each polygon (half its
diameter wide, 8 to 64 pixels) is background for its class, everything farther is unknown and
ignored. Polygons of other classes and of 'background' are background, polygons of the class
'ignore' are ignored. Without georeference, coordinates are pixels: x the column, y the row."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("scenes", nargs="+", type=Path, metavar="SCENE", help="raster to map")
    parser.add_argument("--output", type=Path, required=True, help="folder for the maps")
    _add_examples(parser.add_argument_group("examples", RULE))
    _add_scene(parser.add_argument_group("scene"))
    _add_model(parser.add_argument_group("model"))
    outputs = parser.add_argument_group("outputs")
    outputs.add_argument(
        "--no_vectors", dest="vectors", action="store_false", help="write no polygons"
    )
    outputs.add_argument(
        "--no_preview", dest="preview", action="store_false", help="draw no preview"
    )


def _add_examples(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--examples", type=Path, required=True, help="polygons or label raster")
    group.add_argument(
        "--class_field", default="class", help="attribute that names the class (class)"
    )
    group.add_argument(
        "--label_zero",
        default="auto",
        choices=["auto", "background", "unknown"],
        help="what 0 in a label raster means; auto: as classes.json says, else background",
    )
    group.add_argument("--classes", type=values.names, help="only these classes, comma-separated")
    group.add_argument(
        "--example_scene", type=Path, help="scene of the examples; the first SCENE if not given"
    )
    group.add_argument(
        "--example_bands", type=values.bands, help="its bands; as --bands if not given"
    )
    group.add_argument(
        "--max_shots", type=values.positive, default=5, help="crops that teach a class, at most (5)"
    )


def _add_scene(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--bands",
        type=values.bands,
        default=(1, 2, 3),
        help="bands shown as red, green, blue (1,2,3); may repeat, as 1,1,1 for one band",
    )
    group.add_argument(
        "--scale",
        default="auto",
        choices=["auto", "none", "percentile"],
        help="auto: uint8 as it is, other types from the scene's 2nd to its 98th percentile",
    )
    group.add_argument("--nodata", type=float, help="value without data, if the file has none")


def _add_model(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--model", default="embedded", help="name or model folder (embedded)")
    group.add_argument("--backbone", help="backbone of a network given by name")
    group.add_argument("--weights", help="weights of that backbone: a file or a hub name")
    group.add_argument(
        "--window", type=values.positive, help="window side, pixels; as in training, or 256"
    )
    group.add_argument(
        "--overlap", type=float, default=0.25, help="share of the window that neighbours share"
    )
    group.add_argument(
        "--batch_size", type=values.positive, default=8, help="windows at a time (8)"
    )
    group.add_argument(
        "--threshold", type=float, default=0.5, help="probability from which a class is mapped"
    )
    group.add_argument("--device", default="auto", help="auto, cpu or cuda")
    group.add_argument("--precision", default="auto", choices=["auto", "float32", "bfloat16"])


def run(arguments: argparse.Namespace) -> int:
    """Learn from the examples, map every scene, tell what was written."""
    from fewscape.raster import StagedFiles
    from fewscape.scene import MapOptions, map_scene

    _check_names(arguments.scenes)
    _check_inputs(arguments)
    with StagedFiles(arguments.output):
        pass  # a folder that cannot be written is told before any work
    segmenter, tags = _learn(arguments)
    for path in arguments.scenes:
        with _open(arguments, path, arguments.bands) as scene, _show_progress(scene) as progress:
            options = MapOptions(
                arguments.overlap,
                arguments.batch_size,
                arguments.vectors,
                arguments.preview,
                tags,
                progress,
            )
            result = map_scene(scene, segmenter, arguments.output, options)
        _tell(path, result)
    return 0


def _learn(arguments: argparse.Namespace) -> tuple[FewShotSegmenter, dict[str, str]]:
    """The network with its supports, and where they came from."""
    from fewscape.core import Policy
    from fewscape.scene import FewShotSegmenter, cut_examples, read_annotations
    from fewscape.zoo import load_model

    arguments.window = arguments.window or _trained_window(arguments.model)
    policy = Policy.choose(arguments.device, arguments.precision)
    source = arguments.example_scene or arguments.scenes[0]
    bands = arguments.example_bands or arguments.bands
    with _open(arguments, source, bands) as scene:
        annotations = read_annotations(
            arguments.examples, scene, arguments.class_field, arguments.label_zero
        )
        model = load_model(arguments.model, arguments.backbone, arguments.weights)
        examples = cut_examples(
            annotations,
            scene,
            arguments.window,
            arguments.max_shots,
            cell=model.backbone.strides[0],
            classes=arguments.classes,
        )
    segmenter = FewShotSegmenter(model, examples, policy, arguments.threshold)
    for name, shots in zip(examples.class_names, examples.shots, strict=True):
        crops = "1 crop" if len(shots) == 1 else f"{len(shots)} crops"
        print(f"{name}: {crops} of {arguments.window} pixels from {arguments.examples}")
    return segmenter, _tell_origin(arguments, examples)


def _tell_origin(arguments: argparse.Namespace, examples: Examples) -> dict[str, str]:
    """Tags of every file: model, examples, parameters."""
    from fewscape.zoo import MODELS, open_folder

    tags = {
        "MODEL": arguments.model,
        "EXAMPLES": examples.source,
        "EXAMPLES_SHA256": examples.sha256,
        "PARAMETERS": json.dumps(_parameters(arguments)),
    }
    if arguments.model not in MODELS:
        folder = open_folder(arguments.model)
        tags["MODEL"] = folder.path.name
        tags["MODEL_SHA256"] = str(folder.config["sha256"])
    return tags


def _trained_window(model: str) -> int:
    """Side of the windows that a model folder was trained on."""
    from fewscape.zoo import MODELS, open_folder

    return UNTRAINED_WINDOW if model in MODELS else open_folder(model).window


def _parameters(arguments: argparse.Namespace) -> dict[str, Any]:
    """What decides the map besides model, examples and scene; file names without folders."""
    names = ("backbone", "classes", "max_shots", "bands", "example_bands", "scale", "nodata")
    more = ("label_zero", "window", "overlap", "threshold", "precision")
    chosen = {name: getattr(arguments, name) for name in names + more}
    if arguments.weights:
        chosen["weights"] = Path(arguments.weights).name
    return chosen


def _open(arguments: argparse.Namespace, path: Path, bands: tuple[int, ...]) -> SceneReader:
    from fewscape.core import ConfigError
    from fewscape.raster import Scale, SceneReader

    if len(bands) != 3:
        raise ConfigError(
            f"{len(bands)} bands were chosen",
            "the networks take three",
            "give for example --bands 1,2,3, or 1,1,1 for a single band",
        )
    return SceneReader(path, bands, Scale(arguments.scale), arguments.nodata)


def _check_names(scenes: list[Path]) -> None:
    """Maps are named after scenes, so two of one name would overwrite each other."""
    from fewscape.core import ConfigError

    name, count = Counter(path.stem for path in scenes).most_common(1)[0]
    if count > 1:
        raise ConfigError(
            f"{count} scenes are called '{name}'",
            "their maps would overwrite each other",
            "map them in several runs with different --output",
        )


def _check_inputs(arguments: argparse.Namespace) -> None:
    """No map may replace the examples or a scene that it is made from."""
    from fewscape.core import ConfigError

    given = [arguments.examples, *arguments.scenes]
    if arguments.example_scene is not None:
        given.append(arguments.example_scene)
    folder = arguments.output.resolve()
    inside = [path for path in given if path.resolve().parent == folder]
    for stem in (path.stem for path in arguments.scenes):
        endings = (f"{stem}.gpkg", f"{stem}_classes.tif", f"{stem}_preview.png")
        for path in inside:
            is_probability = path.name.startswith(f"{stem}_") and path.name.endswith("_prob.tif")
            if path.name in endings or is_probability:
                raise ConfigError(
                    f"the map of '{stem}' would overwrite the input '{path}'",
                    "",
                    "choose another folder with --output",
                )


@contextmanager
def _show_progress(scene: SceneReader) -> Iterator[Callable[[int], None]]:
    """A bar in megapixels, on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.1f} of {task.total:.1f} MP"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as progress:
        task = progress.add_task(scene.path.name, total=scene.height * scene.width / 1e6)
        yield lambda pixels: progress.advance(task, pixels / 1e6)


def _tell(path: Path, result: MapResult) -> None:
    """The files with their sizes, the classes with their shares, the time."""
    for file in result.files:
        print(f"  {file}  {file.stat().st_size / 1e6:.2f} MB")
    shares = ", ".join(
        f"{name} {pixels / max(1, result.valid_pixels):.1%}"
        for name, pixels in result.class_pixels.items()
    )
    print(
        f"{path.name}: {shares}; {result.pixels / 1e6:.2f} MP in {result.seconds:.1f} s, "
        f"{result.megapixels_per_second:.2f} MP/s"
    )
