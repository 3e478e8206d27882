"""``fewscape compare``: networks side by side on the same episodes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewscape.cli import values
from fewscape.cli.episode_options import add_episode_options

if TYPE_CHECKING:
    from fewscape.core import Policy
    from fewscape.datasets import Manifest
    from fewscape.evaluation import Contender, Counted

EXAMPLE = """\
fewscape compare --models prototype,runs/aerial4/mgcl_fold0/best --classes building,car \\
    --weights ../shared/data/pretrained/mobilenetv2_100_tf_imagenet.safetensors \\
    --episodes manifests/aerial4-1shot.json --root ../shared/data --output comparison"""

PANELS_PER_CLASS = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--models",
        type=values.names,
        required=True,
        help="names and model folders, comma-separated; NAME=FOLDER chooses the name shown",
    )
    parser.add_argument("--backbone", help="backbone of the networks given by name")
    parser.add_argument("--weights", help="weights of that backbone: a file or a hub name")
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    add_episode_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Count, test, write the files, print the table."""
    import time

    from rich.console import Console
    from rich.markdown import Markdown

    from fewscape import __version__
    from fewscape.core import Policy
    from fewscape.datasets import Manifest
    from fewscape.evaluation import check_writable, compare_counts
    from fewscape.evaluation.comparison import write_markdown

    started = time.perf_counter()
    check_writable(arguments.output / "results.json")
    manifest = Manifest.load(arguments.episodes).select(
        arguments.classes, arguments.datasets, arguments.limit
    )
    policy = Policy.choose(arguments.device, arguments.precision)
    shown = _choose_panels(manifest)
    counted = _count(arguments, manifest, policy, shown)
    results = {
        **compare_counts(manifest, counted),
        "sources": dict(_name(entry) for entry in arguments.models),
        "episodes_sha256": manifest.sha256,
        "seconds": round(time.perf_counter() - started, 3),
        "device": policy.device.type,
        "precision": str(policy.dtype).removeprefix("torch."),
        "version": __version__,
    }
    _write(arguments, results, manifest, counted)
    Console().print(Markdown(write_markdown(results)))
    print(f"{arguments.output}: results.json, table.md, table.csv, bars.png, panels.png")
    return 0


def _count(
    arguments: argparse.Namespace, manifest: Manifest, policy: Policy, shown: list[int]
) -> Counted:
    from rich.console import Console
    from rich.progress import Progress

    from fewscape.evaluation import count_episodes

    contenders = _load(arguments)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("episodes", total=len(manifest))
        return count_episodes(
            contenders,
            manifest,
            arguments.root,
            policy,
            arguments.bands,
            batch_size=arguments.batch_size,
            keep=shown,
            on_progress=lambda done: progress.update(task, completed=done),
        )


def _load(arguments: argparse.Namespace) -> dict[str, Contender]:
    from fewscape.core import ConfigError
    from fewscape.evaluation import Contender
    from fewscape.regions import open_regions
    from fewscape.zoo import MODELS, load_model

    contenders: dict[str, Contender] = {}
    for entry in arguments.models:
        name, source = _name(entry)
        if name in contenders:
            raise ConfigError(
                f"--models names '{name}' twice", "", "give them names, as in first=FOLDER"
            )
        given = (arguments.backbone, arguments.weights) if source in MODELS else (None, None)
        model = load_model(source, *given)
        regions = open_regions(model.region_method, model.region_options, arguments.regions)
        contenders[name] = Contender(model, regions)
    return contenders


def _name(entry: str) -> tuple[str, str]:
    """Name and source of ``NAME=SOURCE``, or of a source alone."""
    name, equals, source = entry.partition("=")
    if equals:
        return name, source
    path = Path(entry)
    is_checkpoint = path.name in ("best", "last")
    return f"{path.parent.name}_{path.name}" if is_checkpoint else path.name, entry


def _choose_panels(manifest: Manifest) -> list[int]:
    """Positions of the first episodes of each (data set, class)."""
    seen: dict[tuple[str, int], int] = {}
    chosen = []
    for position, episode in enumerate(manifest):
        seen[episode.key] = seen.get(episode.key, 0) + 1
        if seen[episode.key] <= PANELS_PER_CLASS:
            chosen.append(position)
    return chosen


def _write(
    arguments: argparse.Namespace, results: dict[str, Any], manifest: Manifest, counted: Counted
) -> None:
    from fewscape.core import OutputError
    from fewscape.evaluation import write_results
    from fewscape.evaluation.charts import draw_bars
    from fewscape.evaluation.comparison import write_csv, write_markdown

    try:
        (arguments.output / "table.md").write_text(write_markdown(results), "utf-8")
        (arguments.output / "table.csv").write_text(write_csv(results), "utf-8")
        draw_bars(results, arguments.output / "bars.png")
        _draw_panels(arguments, manifest, counted)
    except OSError as error:
        raise OutputError(
            f"'{arguments.output}' cannot be written: {error.strerror}",
            "",
            "free some space or choose another folder",
        ) from error
    write_results(results, arguments.output / "results.json")


def _draw_panels(arguments: argparse.Namespace, manifest: Manifest, counted: Counted) -> None:
    from fewscape.datasets import ManifestEpisodes
    from fewscape.datasets.contact_sheet import draw_contact_sheet, outline_mask, to_picture

    episodes = ManifestEpisodes(manifest, arguments.root)
    pairs, more = [], []
    for position, found in sorted(counted.kept.items()):
        episode = episodes[position]
        query = to_picture(episode.query_image[0].numpy())
        pairs.append((manifest.episodes[position], episode))
        more.append(
            {name: outline_mask(query, mask.byte().numpy()) for name, mask in found.items()}
        )
    draw_contact_sheet(pairs, 2, more).save(arguments.output / "panels.png", format="PNG")
