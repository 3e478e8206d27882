"""``fewscape demo``: map two scenes from a few polygons, offline."""

from __future__ import annotations

import argparse
import shlex
import time
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fewscape.demo.examples import DemoExamples
    from fewscape.demo.scene import DemoScene

EXAMPLE = "fewscape demo --output demo_output"

CLASSES = ("field", "water")
"""Classes of the synthetic scene that are mapped."""

DEFAULT_SEED = 28
"""Seed of a scene with fields, lakes and a river: one of two in six where both classes reach 80
%."""

DRAWING_SEED = 0
"""Seed of the polygons. Other seeds put two of the three in one field, which lowers its score."""

YARDSTICK = "maximum_likelihood"
"""Model to compare with."""

REAL = "naip_prairie"
"""Scene and polygons in the package."""

QUICK: Mapping[str, Any] = {"no_estimate": True, "vectors": False, "preview": False}
"""Options of the model to compare with; only its class map is needed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--output", type=Path, default=Path("demo_output"), help="folder to write")
    parser.add_argument(
        "--size", type=int, default=1024, help="side of the synthetic scene, pixels (1024)"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=DEFAULT_SEED,
        help=f"random seed of the synthetic scene ({DEFAULT_SEED})",
    )
    parser.add_argument("--model", help="model, as for 'fewscape map' (ensemble)")


def run(arguments: argparse.Namespace) -> int:
    """Make a scene, draw, map and score it; map a real scene; write a picture of both."""
    from fewscape.demo.examples import draw_examples, write_examples
    from fewscape.demo.picture import draw_sheet
    from fewscape.demo.rows import show_real, show_synthetic
    from fewscape.demo.scene import find_scene, write_files
    from fewscape.raster import StagedFiles
    from fewscape.zoo import DEFAULT, find

    begin = time.perf_counter()
    folder, model = arguments.output, arguments.model or DEFAULT
    with StagedFiles(folder):
        pass  # report an unwritable folder before any work
    scene = find_scene(CLASSES, arguments.size, arguments.seed, print)
    image, _ = write_files(scene, folder)
    examples = draw_examples(scene.labels, scene.classes, DRAWING_SEED)
    drawn = folder / "examples.gpkg"
    write_examples(drawn, examples.outlines, scene.grid)
    print(
        f"a synthetic scene of {scene.grid.height} x {scene.grid.width} pixels (seed {scene.seed}) "
        f"with {examples.told}"
    )
    is_known = find(model).kind == "pixel"  # the labels are known, so no estimate is needed
    first: Mapping[str, Any] = {"model": arguments.model}
    second: Mapping[str, Any] = {"model": YARDSTICK, **QUICK}
    maps = {
        model: _map(image, drawn, folder / "maps", no_estimate=is_known, **first),
        YARDSTICK: _map(image, drawn, folder / YARDSTICK, **second),
    }
    scores = {name: _score(scene, examples, path) for name, path in maps.items()}
    print("a real scene: aerial imagery of the USA (NAIP), with polygons drawn by hand")
    real = Path(str(resources.files("fewscape") / "assets" / REAL))
    given = real / "scene.tif", real / "examples.geojson"
    real_maps = {
        model: _map(*given, folder / REAL, **first),
        YARDSTICK: _map(*given, folder / f"{REAL}_{YARDSTICK}", **second),
    }
    picture = folder / "demo.png"
    rows = show_synthetic(scene, examples, maps, scores), show_real(*given, real_maps)
    draw_sheet(picture, rows)
    _print_scores(scores)
    print(f"{picture} shows the results; the demo took {time.perf_counter() - begin:.0f} s")
    return 0


def _map(scene: Path, examples: Path, output: Path, **options: Any) -> Path:  # noqa: ANN401
    """Print the command of a request, run it, and return the class map."""
    from fewscape.cli.map import write_command
    from fewscape.cli.map_report import Terminal
    from fewscape.request import MapRequest
    from fewscape.request.running import run_map

    request = MapRequest(scenes=(str(scene),), examples=examples, output=output, **options)
    print(f"\n$ fewscape {shlex.join(write_command(request))}", flush=True)
    (made,) = run_map(request, Terminal())
    print()
    return made.paths["classes"]


def _score(scene: DemoScene, examples: DemoExamples, classes: Path) -> dict[str, float]:
    from fewscape.demo.score import score_map

    scores = score_map(classes, scene.truth, examples.covered)
    return dict(zip(scene.classes, scores, strict=True))


def _print_scores(scores: Mapping[str, Mapping[str, float]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("IoU outside the polygons, %", box=None, header_style="bold")
    for name in next(iter(scores.values())):
        table.add_column(name, justify="right")
    for model, each in scores.items():
        table.add_row(model.replace("_", " "), *(f"{100 * iou:.1f}" for iou in each.values()))
    Console().print(table)
