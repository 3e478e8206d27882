"""``fewscape data``: prepare, synthesize, verify and pack data sets."""

from __future__ import annotations

import argparse
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from fewscape.cli import values

EXAMPLE = """\
fewscape data synthesize --output data/synthetic --scenes 8 --size 1024
fewscape data prepare vaihingen --source downloads --output data/vaihingen
fewscape data verify data/vaihingen
fewscape data pack data/mine data/synthetic --output pack.npz"""

PUBLISHED = ("dlrsd", "isaid5i", "isaid5i-512", "loveda", "potsdam", "vaihingen")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``synthesize``, ``prepare``, ``verify`` and ``pack``."""
    verbs = parser.add_subparsers(
        dest="verb", required=True, metavar="{synthesize,prepare,verify,pack}"
    )
    make = verbs.add_parser("synthesize", help="write labelled synthetic scenes")
    make.add_argument("--output", type=Path, required=True, help="folder to write")
    make.add_argument("--scenes", type=values.positive, default=8, help="number of scenes (8)")
    make.add_argument(
        "--size", type=values.positive, default=1024, help="side of a scene, pixels (1024)"
    )
    make.add_argument("--resolution", type=float, default=0.5, help="metres per pixel (0.5)")
    make.add_argument("--density", type=float, default=0.6, help="built-up density, 0 to 1 (0.6)")
    make.add_argument("--seed", type=int, default=0, help="first seed (0)")
    prepare = verbs.add_parser("prepare", help="convert a published data set to the folder layout")
    prepare.add_argument("name", choices=PUBLISHED, help="data set")
    prepare.add_argument(
        "--source",
        type=Path,
        required=True,
        help="folder of the original archives, packed or unpacked",
    )
    prepare.add_argument("--output", type=Path, required=True, help="folder to write")
    pack = verbs.add_parser("pack", help="write labelled crops of data sets to one small file")
    pack.add_argument(
        "folders", type=Path, nargs="+", help="folders with images/, labels/ and classes.json"
    )
    pack.add_argument("--output", type=Path, required=True, help="file to write, .npz")
    pack.add_argument("--crops", type=values.positive, default=24, help="crops per data set (24)")
    pack.add_argument("--seed", type=int, default=0, help="random seed (0)")
    verify = verbs.add_parser("verify", help="read every image and label of a folder")
    verify.add_argument("root", type=Path, help="folder with images/, labels/ and classes.json")


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen verb."""
    match arguments.verb:
        case "synthesize":
            return _synthesize(arguments)
        case "prepare":
            return _prepare(arguments)
        case "pack":
            return _pack(arguments)
        case _:
            return _verify(arguments.root)


def _synthesize(arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import track

    from fewscape.synthetic import SceneSpec, write_folder

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


def _prepare(arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    from fewscape.datasets.published import PREPARERS

    columns = TextColumn("{task.description}"), TextColumn("{task.completed} images")
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(arguments.name, total=None)
        report = PREPARERS[arguments.name](
            arguments.source, arguments.output, lambda name: progress.advance(task)
        )
    for line in report.lines():
        print(line)
    written = report.images["all"] or report.images.total()  # "all" holds the other splits
    print(f"wrote {written} images to {arguments.output}")
    return 0


def _pack(arguments: argparse.Namespace) -> int:
    from fewscape.datasets.packing import write_pack

    counts = write_pack(arguments.folders, arguments.output, arguments.crops, seed=arguments.seed)
    told = ", ".join(f"{count} crops of {name}" for name, count in counts.items())
    print(f"{arguments.output}: {told}; {arguments.output.stat().st_size / 1e6:.1f} MB")
    return 0


def _verify(root: Path) -> int:
    import numpy as np
    from rich.console import Console
    from rich.progress import track
    from rich.table import Table

    from fewscape.datasets import (
        FolderDataset,
        choose_areas,
        image_stem,
        read_published_pairs,
        read_splits,
    )
    from fewscape.datasets.fingerprint import LabelsHash
    from fewscape.datasets.present_classes import check_present
    from fewscape.datasets.published import format_pairs

    dataset = FolderDataset(root, root=root)  # paths of the labels start at the data set
    splits = read_splits(root)
    sizes = {name: len(choose_areas(dataset, [name], splits)) for name in splits}
    variants = [path.name for path in sorted(root.glob("labels_*")) if path.is_dir()]
    others = [FolderDataset(root, root=root, labels=name) for name in variants]
    hashes = {name: LabelsHash() for name in ("labels", *variants)}
    pixels = np.zeros(256, dtype=np.int64)
    owners: dict[str, list[str]] = {}
    for name, stems in splits.items():
        for stem in stems:
            owners.setdefault(stem, []).append(name)
    pairs: dict[str, Counter[str]] = {name: Counter() for name in splits}
    console = Console(stderr=True)
    for index in track(range(len(dataset)), "images", console=console, transient=True):
        dataset.read_image(index)
        labels = dataset.read_labels(index)
        hashes["labels"].add(dataset.labels_path(index), labels)
        counts = np.bincount(labels.ravel(), minlength=256)
        pixels += counts
        present = [name for number, name in dataset.classes.items() if counts[number]]
        for name in owners.get(image_stem(dataset, index), []):
            pairs[name].update(present)
        for other in others:
            hashes[other.labels_name].add(other.labels_path(index), other.read_labels(index))
    table = Table("id", "class", "share of pixels", box=None, header_style="bold")
    names = dict(dataset.classes) | {dataset.ignore: "(ignored)"}
    for class_id, name in names.items():
        table.add_row(str(class_id), name, f"{100 * pixels[class_id] / pixels.sum():.2f} %")
    Console().print(table)
    _print_splits(splits, sizes)
    for line in format_pairs(pairs, read_published_pairs(root / "classes.json")):
        print(line)
    for name, found in hashes.items():
        print(f"fingerprint of {name}: sha256 {found.hexdigest()}")
    told = ", ".join(hashes)
    if dataset.lone_labels:
        print(
            f"note: {len(dataset.lone_labels)} labels have no image and are not used; the first "
            f"is '{dataset.lone_labels[0]}'"
        )
    if absent := check_present(dataset, pixels):
        print(f"note: no pixel is {' or '.join(map(repr, absent))}")
    print(f"{len(dataset)} images and their {told} of '{dataset.name}' are readable")
    return 0


def _print_splits(splits: Mapping[str, Sequence[str]], sizes: Mapping[str, int]) -> None:
    """Print the sizes of the splits, and images that are in two of them."""
    if not splits:
        return
    print("splits: " + ", ".join(f"{name} {size}" for name, size in sizes.items()))
    for first, second in itertools.combinations([name for name in splits if name != "all"], 2):
        if shared := sorted(set(splits[first]) & set(splits[second])):
            print(
                f"note: {len(shared)} images are in '{first}' and in '{second}': {shared[0]}, ..."
            )
