"""``fewscape evaluate``: score a network on episodes, labelled images or labelled pairs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewscape.cli import evaluate_pairs, evaluate_semantic
from fewscape.cli.episode_options import add_episode_options, add_run_options

if TYPE_CHECKING:
    from fewscape.core import Policy
    from fewscape.datasets import Manifest
    from fewscape.models import FewShotModel

EXAMPLE = """\
fewscape data synthesize --output data/synthetic --scenes 4
fewscape episodes make --root data --datasets synthetic --output mine.json
fewscape evaluate --model embedded --episodes mine.json --root data --output results.json
fewscape evaluate --model runs/mine/best --data DIR --split test --output results.json
fewscape evaluate --model embedded_pair4 --pairs DIR --shots 5 --output results.json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--model", required=True, help="network, by name or model folder")
    parser.add_argument("--backbone", help="backbone of a network given by name")
    parser.add_argument("--weights", help="weights of that backbone: a file or a hub name")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
    add_run_options(parser)
    add_episode_options(parser.add_argument_group("few-shot networks"), False)
    evaluate_semantic.add_semantic_options(parser.add_argument_group("supervised networks"))
    evaluate_pairs.add_pair_options(
        parser.add_argument_group("networks for panchromatic and multispectral pairs")
    )


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print the table, write the JSON.

    Raises:
        ConfigError: neither episodes nor labelled data were given.
    """
    from fewscape.core import ConfigError

    if arguments.data is not None:
        return evaluate_semantic.run(arguments)
    if arguments.pairs is not None:
        return evaluate_pairs.run(arguments)
    if arguments.episodes is None or arguments.root is None:
        raise ConfigError(
            "nothing to evaluate on was given",
            "expected --episodes FILE and --root DIR, --data DIR for a supervised model, or "
            "--pairs DIR for panchromatic and multispectral pairs",
        )
    return _run_episodes(arguments)


def _run_episodes(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from fewscape.core import Policy
    from fewscape.datasets import Manifest
    from fewscape.evaluation import check_writable, make_table, write_results
    from fewscape.zoo import load

    check_writable(arguments.output)
    manifest = Manifest.load(arguments.episodes).select(
        arguments.classes, arguments.datasets, arguments.limit
    )
    policy = Policy.choose(arguments.device, arguments.precision)
    model = load(arguments.model, arguments.backbone, arguments.weights).few_shot
    results = _evaluate(arguments, model, manifest, policy)
    write_results(results, arguments.output)
    Console().print(make_table(results))
    print(f"{arguments.output}: {results['seconds']:.1f} s")
    return 0


def _evaluate(
    arguments: argparse.Namespace, model: FewShotModel, manifest: Manifest, policy: Policy
) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import Progress

    from fewscape.evaluation import evaluate
    from fewscape.regions import open_regions

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("episodes", total=len(manifest))
        return evaluate(
            model,
            manifest,
            arguments.root,
            model_name=arguments.model,
            policy=policy,
            regions=open_regions(model.region_method, model.region_options, arguments.regions),
            bands=arguments.bands,
            batch_size=arguments.batch_size,
            on_progress=lambda done: progress.update(task, completed=done),
        )
