"""``fewscape evaluate --data``: score a supervised model on a labelled folder."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewscape.cli import values

if TYPE_CHECKING:
    from rich.table import Table


def add_semantic_options(group: argparse._ArgumentGroup) -> None:
    """Add the options of images and windows."""
    group.add_argument("--data", type=Path, help="folder with images/, labels/ and classes.json")
    group.add_argument(
        "--split",
        type=values.names,
        default=["*"],
        help="splits of splits.json, or image name patterns such as 'tile7_*' (all images)",
    )
    group.add_argument(
        "--labels", default="labels", help="folder of the labels, such as labels_eroded (labels)"
    )
    group.add_argument(
        "--unscored",
        type=values.names,
        help="classes to leave out of a second mean (those that classes.json lists, such as "
        "clutter)",
    )
    group.add_argument(
        "--window", type=values.positive, help="window side, pixels (as in training)"
    )
    group.add_argument(
        "--overlap",
        type=float,
        default=0.25,
        help="overlap of neighbouring windows, as a share of the window (0.25)",
    )
    group.add_argument(
        "--flips",
        default="none",
        choices=["none", "h", "hv", "d4"],
        help="flipped and rotated views to average",
    )
    group.add_argument(
        "--scales", type=values.scales, default=(1.0,), help="image scales to average (1)"
    )
    group.add_argument("--predictions", type=Path, help="folder for a PNG of class ids per image")


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print the table, write the JSON."""
    from rich.console import Console
    from rich.progress import Progress

    from fewscape.core import Policy
    from fewscape.datasets import FolderDataset, choose_areas, read_splits, read_unscored
    from fewscape.evaluation import (
        SemanticOptions,
        check_writable,
        evaluate_semantic,
        write_results,
    )
    from fewscape.mapping import SemanticSegmenter, Views
    from fewscape.zoo import load

    check_writable(arguments.output)
    dataset = FolderDataset(arguments.data, labels=arguments.labels)
    areas = choose_areas(dataset, arguments.split, read_splits(arguments.data))
    unscored = arguments.unscored or read_unscored(arguments.data / "classes.json")
    loaded = load(arguments.model)
    model, facts = loaded.semantic, loaded.facts
    segmenter = SemanticSegmenter(
        model,
        facts.class_names,
        Policy.choose(arguments.device, arguments.precision),
        arguments.window or facts.window,
        Views(arguments.flips, arguments.scales),
    )
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("images", total=sum(area.pixels for area in areas))
        options = SemanticOptions(
            arguments.overlap,
            arguments.batch_size,
            tuple(unscored),
            arguments.predictions,
            lambda pixels: progress.advance(task, pixels),
        )
        results = evaluate_semantic(segmenter, dataset, areas, options)
    results |= {"model": arguments.model, "model_sha256": facts.sha256}
    write_results(results, arguments.output)
    Console().print(_make_table(results))
    print(f"{arguments.output}: {results['seconds']:.1f} s")
    return 0


def _make_table(results: Mapping[str, Any]) -> Table:
    from rich.table import Table

    scored = f"{results['scored_share']:.1%} of {results['pixels'] / 1e6:.1f} MP scored"
    table = Table(title=f"{results['dataset']}, {len(results['images'])} images, {scored}")
    table.add_column("class")
    for title in ("IoU %", "F1 %", "precision %", "recall %"):
        table.add_column(title, justify="right")
    for row in results["per_class"]:
        keys = ("iou", "f1", "precision", "recall")
        table.add_row(row["class_name"], *(_percent(row[key]) for key in keys))
    table.add_section()
    for mean in results["means"]:
        means = _percent(mean["miou"]), _percent(mean["mean_f1"])
        table.add_row(f"mean, {mean['variant']}", *means, "", "")
    table.add_row("overall accuracy", _percent(results["overall_accuracy"]), "", "", "")
    return table


def _percent(score: float | None) -> str:
    return "-" if score is None else f"{100 * score:.1f}"
