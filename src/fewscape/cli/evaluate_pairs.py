"""``fewscape evaluate --pairs``: score a network on labelled pan/ms pairs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewscape.cli import values
from fewscape.cli.pair_options import add_pair_bands

if TYPE_CHECKING:
    from rich.table import Table


def add_pair_options(group: argparse._ArgumentGroup) -> None:
    """Add the options of pairs and their supports."""
    group.add_argument(
        "--pairs",
        type=Path,
        help="folder of labelled pairs: .npz files, or folders with pan.tif and ms.tif",
    )
    group.add_argument(
        "--supports", type=Path, help="folder with another pair to draw the supports from"
    )
    group.add_argument(
        "--ground",
        default="blocks",
        choices=["given", "random", "blocks"],
        help="how pixels are split into supports and test; given: by train.npy and test.npy "
        "(blocks)",
    )
    group.add_argument(
        "--block",
        type=values.positive,
        default=64,
        help="side of a block, multispectral pixels (64)",
    )
    group.add_argument("--shots", type=values.positive, default=5, help="supports per class (5)")
    group.add_argument(
        "--draws", type=values.positive, default=10, help="random draws of the supports (10)"
    )
    group.add_argument(
        "--labels_only", type=values.bands, default=(), help="use only these labels, such as 3,4,7"
    )
    add_pair_bands(group)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print the table, write the JSON and a confusion matrix per pair."""
    from rich.console import Console

    from fewscape.core import ConfigError, Policy
    from fewscape.datasets.pan_ms import find_pairs, read_pair
    from fewscape.evaluation import (
        PairProtocol,
        check_writable,
        draw_confusion,
        evaluate_pair,
        write_results,
    )
    from fewscape.zoo import load

    check_writable(arguments.output)
    protocol = PairProtocol(
        arguments.ground,
        arguments.shots,
        arguments.draws,
        arguments.labels_only,
        arguments.block,
    )
    policy = Policy.choose(arguments.device, "float32")
    loaded = load(arguments.model)
    model = loaded.pair
    supports = None
    if arguments.supports is not None:
        places = find_pairs(arguments.supports)
        if len(places) > 1:
            raise ConfigError(
                f"'{arguments.supports}' holds {len(places)} pairs", "expected one pair"
            )
        supports = read_pair(places[0], arguments.ms_bands)
    scores = []
    for path in find_pairs(arguments.pairs):
        pair = read_pair(path, arguments.ms_bands)
        scores.append(evaluate_pair(model, pair, protocol, policy, supports))
        names = _name_classes(arguments.pairs, scores[-1]["classes"])
        picture = arguments.output.with_name(f"{arguments.output.stem}_{pair.name}.png")
        draw_confusion(scores[-1], names, picture)
    results = {
        "model": arguments.model,
        "model_sha256": loaded.facts.sha256,
        "shots": arguments.shots,
        "draws": arguments.draws,
        "pairs": scores,
    }
    write_results(results, arguments.output)
    Console().print(_make_table(scores))
    print(arguments.output)
    return 0


def _name_classes(folder: Path, labels: Sequence[int]) -> list[str]:
    """Names from ``classes.json`` beside the pairs, otherwise the numbers."""
    table = folder / "classes.json"
    listed = json.loads(table.read_text("utf-8"))["classes"] if table.is_file() else {}
    return [str(listed.get(str(label), f"class {label}")) for label in labels]


def _make_table(scores: Sequence[dict[str, Any]]) -> Table:
    from rich.table import Table

    first = scores[0]
    table = Table(title=f"{first['shots']} shots, {first['draws']} draws, mean and 95 % interval")
    table.add_column("pair")
    for title in ("OA %", "AA %", "kappa"):
        table.add_column(title, justify="right")
    for each in scores:
        cells = [
            _interval(each, "oa", 100),
            _interval(each, "aa", 100),
            _interval(each, "kappa", 1),
        ]
        table.add_row(each["pair"], *cells)
    return table


def _interval(scores: dict[str, Any], key: str, scale: int) -> str:
    low, high = scores[f"{key}_ci95"]
    digits = 1 if scale > 1 else 2
    return f"{scale * scores[key]:.{digits}f} +- {scale * (high - low) / 2:.{digits}f}"
