"""``fewscape data``: data sets on disk."""

from __future__ import annotations

import argparse
from pathlib import Path

from fewscape.cli import values

SUMMARY = "write synthetic scenes as a data set, or check a data set"
EXAMPLE = "fewscape data synthesize --output data/synthetic --scenes 8 --size 1024"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``synthesize`` and ``verify``."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="{synthesize,verify}")
    make = verbs.add_parser("synthesize", help="write labelled synthetic scenes")
    make.add_argument("--output", type=Path, required=True, help="folder to write")
    make.add_argument("--scenes", type=values.positive, default=8, help="number of scenes (8)")
    make.add_argument("--size", type=values.positive, default=1024, help="side in pixels (1024)")
    make.add_argument("--resolution", type=float, default=0.5, help="metres per pixel (0.5)")
    make.add_argument("--density", type=float, default=0.6, help="how built-up, 0 to 1 (0.6)")
    make.add_argument("--seed", type=int, default=0, help="first seed (0)")
    verify = verbs.add_parser("verify", help="read every image and label of a folder")
    verify.add_argument("root", type=Path, help="folder with images/, labels/ and classes.json")


def run(arguments: argparse.Namespace) -> int:
    """Write or check."""
    return _synthesize(arguments) if arguments.verb == "synthesize" else _verify(arguments.root)


def _synthesize(arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import track

    from fewscape.datasets.synthetic import SceneSpec, write_folder

    specs = [
        SceneSpec(
            size=(arguments.size, arguments.size),
            resolution=arguments.resolution,
            density=arguments.density,
            seed=arguments.seed + index,
        )
        for index in range(arguments.scenes)
    ]
    console = Console(stderr=True)
    write_folder(arguments.output, track(specs, "scenes", console=console, transient=True))
    print(f"wrote {arguments.scenes} scenes to {arguments.output}")
    return 0


def _verify(root: Path) -> int:
    import numpy as np
    from rich.console import Console
    from rich.progress import track
    from rich.table import Table

    from fewscape.datasets import FolderDataset

    dataset = FolderDataset(root)
    pixels = np.zeros(256, dtype=np.int64)
    console = Console(stderr=True)
    for index in track(range(len(dataset)), "images", console=console, transient=True):
        dataset.read_image(index)
        pixels += np.bincount(dataset.read_labels(index).ravel(), minlength=256)
    table = Table("id", "class", "share of pixels", box=None, header_style="bold")
    names = dict(dataset.classes) | {dataset.ignore: "(ignored)"}
    for class_id, name in names.items():
        table.add_row(str(class_id), name, f"{100 * pixels[class_id] / pixels.sum():.2f} %")
    Console().print(table)
    print(f"{len(dataset)} images and labels of '{dataset.name}' are readable")
    return 0
