"""``fewscape reproduce``: a map made again from what its file tells, and compared."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = """\
fewscape reproduce maps/scene_classes.tif
fewscape reproduce maps/scene_classes.tif --scene scene.tif --examples roofs.gpkg \\
    --model runs/mine/best"""

RULE = """\
The map's tags tell what it was made from: scene, examples and model by name and by hash, and all
parameters. Without the options below, files of those names are taken from beside the map or from
the current folder. Other files than those that it was made from are refused. Exit code 0: the
same pixels, 3: others."""

DIFFERENT = 3
"""Exit code when pixels differ."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "map", type=Path, metavar="OUT.tif", help="a raster that 'fewscape map' wrote"
    )
    files = parser.add_argument_group("what it was made from", RULE)
    files.add_argument("--scene", help="the raster that was mapped")
    files.add_argument("--pan", help="the panchromatic raster of a pair")
    files.add_argument("--ms", help="the multispectral raster of a pair")
    files.add_argument("--examples", type=Path, help="the examples that taught the network")
    files.add_argument("--example_scene", type=Path, help="the scene of the examples")
    files.add_argument("--model", help="the model's folder")
    files.add_argument("--weights", help="the backbone's weights, of a network given by name")
    parser.add_argument(
        "--device", help="auto, cpu or cuda; as when the map was made if this machine has it"
    )


def run(arguments: argparse.Namespace) -> int:
    """Map again, and tell what differs."""
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
