"""``fewscape reproduce``: remake a map from its metadata and compare the pixels."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = """\
fewscape reproduce maps/scene_classes.tif
fewscape reproduce maps/scene_classes.tif --scene scene.tif --examples roofs.gpkg \\
    --model runs/mine/best"""

RULE = """\
The map's tags name its inputs (scene, examples and model, by name and hash) and all parameters.
Files are looked for beside the map and in the current folder; the options below override this.
Files with another hash are refused. Exit code 0: the pixels are the same, 3: they differ."""

DIFFERENT = 3
"""Exit code when pixels differ."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "map", type=Path, metavar="OUT.tif", help="raster written by 'fewscape map'"
    )
    files = parser.add_argument_group("inputs", RULE)
    files.add_argument("--scene", help="mapped raster")
    files.add_argument("--pan", help="panchromatic raster of a pair")
    files.add_argument("--ms", help="multispectral raster of a pair")
    files.add_argument("--examples", type=Path, help="examples that the model learned from")
    files.add_argument("--example_scene", type=Path, help="scene that the examples were drawn on")
    files.add_argument("--model", help="the model's folder")
    files.add_argument("--weights", help="backbone weights of a network given by name")
    parser.add_argument(
        "--device", help="auto, cpu or cuda (the device of the map, if this machine has it)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Map again and report what differs."""
    from fewscape.cli.map_report import Terminal
    from fewscape.request.record import GivenFiles
    from fewscape.request.reproduction import reproduce

    given = GivenFiles(
        scene=arguments.scene,
        pan=arguments.pan,
        ms=arguments.ms,
        examples=arguments.examples,
        example_scene=arguments.example_scene,
        model=arguments.model,
        weights=arguments.weights,
    )
    found = reproduce(arguments.map, given, arguments.device, Terminal())
    print(found)
    return 0 if found.is_same else DIFFERENT
