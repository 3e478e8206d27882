"""``fewscape map``: map scenes from a few polygons."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fewscape.cli import map_options
from fewscape.request import MapRequest
from fewscape.request.map_request import DEFAULTS

EXAMPLE = """\
fewscape map scene.tif --examples roofs.gpkg --output maps
fewscape map pan.tif --bands 1,1,1 --examples buildings.geojson --output maps
fewscape map target.jpg --examples labels.png --example_scene source.jpg --classes water \\
    --output maps
fewscape map scene.tif --model runs/mine/best --output maps
fewscape map https://example.org/town.tif tiles/ --examples roofs.gpkg --bands red,green,blue \\
    --resolution 0.5 --output maps
fewscape map --pan pan.tif --ms ms.tif --examples fields.gpkg --output maps"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments; names and defaults are those of the request's fields."""
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help="raster to map")
    parser.add_argument("--output", type=Path, required=True, help="folder for the maps")
    map_options.add_examples(parser)
    map_options.add_scene(parser)
    map_options.add_pair(parser)
    map_options.add_model(parser)
    map_options.add_long_runs(parser)
    map_options.add_check(parser)
    map_options.add_outputs(parser)


def run(arguments: argparse.Namespace) -> int:
    """Learn from the examples, map every scene, and report the files."""
    from fewscape.cli.map_report import Terminal
    from fewscape.request.running import run_map

    run_map(parse_request(vars(arguments)), Terminal())
    return 0


def parse_request(parsed: Mapping[str, Any]) -> MapRequest:
    """Turn parsed arguments into a request."""
    return MapRequest(**parsed)


def write_command(request: MapRequest) -> list[str]:
    """The words after ``fewscape`` that make the same request."""
    words = ["map", *request.scenes]
    if request.examples is not None:
        words += ["--examples", str(request.examples)]
    words += ["--output", str(request.output)]
    for name in DEFAULTS:
        if name in ("scenes", "examples", "output") or not request.is_given(name):
            continue
        value = getattr(request, name)
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no_{name}")
        else:
            words += [f"--{name}", _write(name, value)]
    return words


def _write(name: str, value: object) -> str:
    if name == "max_memory":
        return f"{int(str(value)) / 1000}KB"
    if isinstance(value, tuple):
        return ("/" if name == "shard" else ",").join(map(str, value))
    return str(value)
