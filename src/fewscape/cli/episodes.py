"""``fewscape episodes``: make and view episode manifests."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from fewscape.cli import values

if TYPE_CHECKING:
    from fewscape.models import FewShotModel
    from fewscape.regions import MakeRegions

EXAMPLE = """\
fewscape data synthesize --output data/synthetic --scenes 4
fewscape episodes make --root data --datasets synthetic --shots 1 --output mine.json
fewscape episodes make --protocol isaid5i-p1 --fold 0 --root data --output p1-fold0.json
fewscape episodes show --episodes mine.json --root data --output sheet.png
fewscape episodes show --episodes mine.json --root data --model embedded --output why.png"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="{make,show}")
    _add_make(actions.add_parser("make", help="sample episodes and write them to a manifest"))
    _add_show(actions.add_parser("show", help="draw episodes of a manifest as a PNG contact sheet"))


def _add_make(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--root", type=Path, required=True, help="folder of the data sets")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--aerial4", action="store_true", help="use the four data sets of aerial4")
    which.add_argument(
        "--datasets", type=values.names, help="data set folders under the root, comma-separated"
    )
    which.add_argument(
        "--protocol",
        help="published test protocol, such as isaid5i-p1; its data set must be under the root",
    )
    parser.add_argument("--fold", type=int, default=0, help="fold of the protocol (0)")
    parser.add_argument(
        "--leave_out",
        type=values.names,
        help="classes to leave out, comma-separated; with --aerial4: background,clutter",
    )
    parser.add_argument("--shots", type=values.positive, default=1, help="supports per episode")
    parser.add_argument(
        "--episodes", type=values.positive, default=100, help="episodes of each (data set, class)"
    )
    parser.add_argument(
        "--window", type=values.positive, default=256, help="side of the windows, pixels"
    )
    parser.add_argument("--min_share", type=float, default=0.03, help="smallest object share")
    parser.add_argument("--max_share", type=float, default=0.9, help="largest object share")
    parser.add_argument("--seed", type=int, help="random seed (0, or the protocol's)")
    parser.add_argument("--name", help="name of the manifest; the output's stem if not given")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")


def _add_show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--episodes", type=Path, required=True, help="a manifest")
    parser.add_argument("--root", type=Path, required=True, help="folder that its paths start at")
    parser.add_argument("--classes", type=values.names, help="classes to show, comma-separated")
    parser.add_argument(
        "--per_class", type=values.positive, default=2, help="episodes of each (data set, class)"
    )
    parser.add_argument("--columns", type=values.positive, default=2, help="episodes per row")
    parser.add_argument(
        "--model", help="model, by name or folder, whose predictions and intermediate maps to draw"
    )
    parser.add_argument("--backbone", help="backbone of a network given by name")
    parser.add_argument("--weights", help="weights of that backbone: a file or a hub name")
    parser.add_argument("--output", type=Path, required=True, help="PNG file to write")


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen verb."""
    return _make(arguments) if arguments.action == "make" else _show(arguments)


def _make(arguments: argparse.Namespace) -> int:
    from fewscape.datasets import AERIAL4_LEAVE_OUT, FolderDataset, ShareLimits, open_aerial4
    from fewscape.datasets.making import make_manifest

    root = arguments.root
    if arguments.protocol is not None:
        return _make_protocol(arguments)
    if arguments.aerial4:
        datasets = open_aerial4(root)
    else:
        datasets = [FolderDataset(root / name, root=root) for name in arguments.datasets]
    leave_out = arguments.leave_out
    if leave_out is None:
        leave_out = AERIAL4_LEAVE_OUT if arguments.aerial4 else ()
    manifest, shortages = make_manifest(
        arguments.name or arguments.output.stem,
        datasets,
        leave_out,
        arguments.shots,
        arguments.episodes,
        arguments.window,
        ShareLimits(arguments.min_share, arguments.max_share),
        arguments.seed or 0,
    )
    for short in shortages:
        print(
            f"{short.dataset} / {short.class_name}: only {short.episodes} of "
            f"{arguments.episodes} episodes; {short.images} images show enough of it, "
            f"{arguments.shots + 1} are needed"
        )
    sha256 = manifest.save(arguments.output)
    print(f"{arguments.output}: {len(manifest)} episodes of {len(manifest.classes)} classes")
    print(f"sha256 {sha256}")
    return 0


def _make_protocol(arguments: argparse.Namespace) -> int:
    from fewscape.datasets import FolderDataset
    from fewscape.datasets.protocol_episodes import make_protocol_manifest
    from fewscape.datasets.protocols import find_protocol
    from fewscape.datasets.published import GUIDES, check_prepared

    protocol = find_protocol(arguments.protocol)
    check_prepared(arguments.root, GUIDES[protocol.dataset])
    dataset = FolderDataset(arguments.root / protocol.dataset, root=arguments.root)
    manifest = make_protocol_manifest(
        arguments.protocol, dataset, arguments.fold, arguments.shots, arguments.seed
    )
    sha256 = manifest.save(arguments.output)
    print(f"{arguments.protocol}: {protocol.note}")
    print(f"{arguments.output}: {len(manifest)} episodes of {len(manifest.classes)} classes")
    print(f"sha256 {sha256}")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    from fewscape.core import OutputError, write_whole
    from fewscape.datasets import Manifest, ManifestEpisodes
    from fewscape.datasets.contact_sheet import draw_contact_sheet
    from fewscape.evaluation import explain_episode

    manifest = Manifest.load(arguments.episodes).select(
        arguments.classes, limit=arguments.per_class
    )
    model, regions = _load(arguments)
    episodes = ManifestEpisodes(manifest, arguments.root, regions)
    pairs = [(spec, episodes[index]) for index, spec in enumerate(manifest)]
    more = None if model is None else [explain_episode(model, episode) for _, episode in pairs]
    sheet = draw_contact_sheet(pairs, arguments.columns, more)
    try:
        with write_whole(arguments.output) as draft:
            sheet.save(draft, format="PNG")
    except OSError as error:
        raise OutputError(f"'{arguments.output}' cannot be written: {error}") from error
    print(f"{arguments.output}: {len(pairs)} of the manifest's episodes")
    return 0


def _load(arguments: argparse.Namespace) -> tuple[FewShotModel | None, MakeRegions | None]:
    """Load the network to explain and its region maker."""
    from fewscape.regions import open_regions
    from fewscape.zoo import load

    if arguments.model is None:
        return None, None
    model = load(arguments.model, arguments.backbone, arguments.weights).few_shot
    return model, open_regions(model.region_method, model.region_options)
