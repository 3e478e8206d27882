"""``fewscape benchmark``: run a published benchmark, from training to the report."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from fewscape.cli import values

if TYPE_CHECKING:
    from rich.table import Table

    from fewscape.benchmark.published.definition import Benchmark, Run
    from fewscape.benchmark.published.tables import Table as Cells

EXAMPLE = """\
fewscape benchmark isaid5i --models prototype,mgcl --shots 1,5 --root data
fewscape benchmark isaid5i --models mgcl_published,mgcl@vgg16 --seeds 1 --selection paper
fewscape benchmark dlrsd5i --protocol c --models mgcl,dsmf_net --seeds 5 --shard 3/15"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("name", help="isaid5i or dlrsd5i")
    parser.add_argument(
        "--models",
        type=values.names,
        required=True,
        help="recipes, comma-separated; NAME@BACKBONE changes the backbone, as in mgcl@vgg16",
    )
    parser.add_argument(
        "--protocol", help="test protocol, such as p1, p3 or dlrsd-c (the benchmark's first)"
    )
    parser.add_argument(
        "--shots",
        type=values.counts,
        default=(1,),
        help="support images per class, such as 1,5 (1)",
    )
    parser.add_argument("--folds", type=values.numbers, help="folds to run, such as 0,2 (all)")
    parser.add_argument(
        "--seeds",
        type=values.positive,
        default=3,
        help="training runs for each network and fold (3)",
    )
    parser.add_argument(
        "--selection",
        default="heldout",
        choices=["heldout", "paper"],
        help="select the best epoch on held-out training images, or on the test itself as most "
        "papers do, which is too optimistic (heldout)",
    )
    parser.add_argument(
        "--root", type=Path, default=Path("data"), help="root folder of the data sets (data)"
    )
    parser.add_argument(
        "--recipes", type=Path, help="folder of recipes to use instead of the packaged ones"
    )
    parser.add_argument("--output", type=Path, help="folder (runs/PROTOCOL-SELECTION)")
    parser.add_argument("--regions", type=Path, help="cache folder for region maps")
    parser.add_argument(
        "--features",
        type=Path,
        help="cache folder for the features of frozen backbones, shared by all heads, folds "
        "and seeds; turns augmentation off and needs 70 GB for a ResNet-50 on iSAID-5i",
    )
    parser.add_argument(
        "--limit", type=values.positive, help="limit the test episodes per class, for a trial run"
    )
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument(
        "--processes", type=values.positive, help="runs in parallel (one per GPU, 1 without a GPU)"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--shard", type=values.shard, help="run only this shard, such as 3/16")
    which.add_argument("--only", help="run only this one, by its name in --dry_run")
    which.add_argument("--dry_run", action="store_true", help="list the runs and exit")
    which.add_argument(
        "--report_only", action="store_true", help="only write the report of the finished runs"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do the missing runs, then write the report."""
    benchmark = _open(arguments)
    runs = benchmark.runs()
    if arguments.dry_run:
        for each in runs:
            print(f"{each.name}: {'done' if benchmark.is_finished(each) else 'to do'}")
        return 0
    if not arguments.report_only:
        chosen = _choose(arguments, runs)
        missing = [each for each in chosen if not benchmark.is_finished(each)]
        print(f"{benchmark.protocol_name}: {len(chosen)} runs, {len(missing)} to do")
        if failed := _do(arguments, benchmark, missing):
            print(f"{len(failed)} runs failed: {', '.join(failed)}; see their log.txt")
            return 1
    return _report(arguments, benchmark)


def _open(arguments: argparse.Namespace) -> Benchmark:
    from fewscape.benchmark.published.definition import Benchmark
    from fewscape.core import packaged_folder
    from fewscape.datasets.protocols import find_benchmark, find_protocol

    protocol = find_benchmark(arguments.name, arguments.protocol)
    folds = arguments.folds or range(len(find_protocol(protocol).folds))
    benchmark = Benchmark(
        arguments.name,
        protocol,
        tuple(dict.fromkeys(arguments.models)),
        tuple(sorted(set(folds))),
        arguments.seeds,
        tuple(sorted(set(arguments.shots))),
        arguments.root,
        arguments.recipes or packaged_folder("recipes"),
        arguments.output or Path("runs") / f"{protocol}-{arguments.selection}",
        arguments.selection,
        arguments.limit,
        arguments.regions,
        arguments.features,
        arguments.device,
    )
    benchmark.check()
    return benchmark


def _choose(arguments: argparse.Namespace, runs: list[Run]) -> list[Run]:
    from fewscape.core import ConfigError, suggest

    if arguments.shard is not None:
        index, count = arguments.shard
        return runs[index - 1 :: count]
    if arguments.only is None:
        return runs
    by_name = {each.name: each for each in runs}
    if arguments.only not in by_name:
        raise ConfigError(
            f"there is no run '{arguments.only}'", "", suggest(arguments.only, by_name)
        )
    return [by_name[arguments.only]]


def _do(arguments: argparse.Namespace, benchmark: Benchmark, missing: list[Run]) -> list[str]:
    """Do the runs and return the names of those that failed."""
    import torch

    from fewscape.cli.benchmark_processes import run_in_processes

    gpus = 0 if arguments.device == "cpu" else torch.cuda.device_count()
    processes = min(arguments.processes or max(gpus, 1), len(missing))
    if processes > 1:
        return run_in_processes(benchmark, missing, processes, gpus)
    _run_here(benchmark, missing)
    return []


def _run_here(benchmark: Benchmark, missing: list[Run]) -> None:
    from fewscape.benchmark.published.training_runs import run_one
    from fewscape.training.fitting import train
    from fewscape.zoo import load

    for number, each in enumerate(missing, 1):
        print(f"run {number} of {len(missing)}: {each.name}", flush=True)
        run_one(benchmark, each, train, lambda folder: load(folder).few_shot)


def _report(arguments: argparse.Namespace, benchmark: Benchmark) -> int:
    from rich.console import Console

    from fewscape.benchmark.published import make_benchmark_tables
    from fewscape.benchmark.published.report import write_report

    missing = [each for each in benchmark.runs() if not benchmark.is_finished(each)]
    if missing and not arguments.report_only:
        print(
            f"{len(missing)} runs of the benchmark are still to do; the last one writes the "
            "report, or --report_only reports the networks that are complete"
        )
        return 0
    report = write_report(benchmark)
    for table in make_benchmark_tables(report):
        Console().print(_show(table))
    for warning in report["warnings"]:
        print(f"warning: {warning}")
    print(f"{benchmark.output}: report.html, .md, .csv, .tex, .json")
    return 0


def _show(table: Cells) -> Table:
    """Print what fits a terminal: our own rows and the first columns."""
    from rich.table import Table

    shown = Table(title=table.title)
    for number, title in enumerate(table.header[: table.num_brief]):
        shown.add_column(title, justify="left" if number < table.num_labels else "right")
    for row in table.rows[: len(table.rows) - table.quoted]:
        shown.add_row(*row[: table.num_brief])
    return shown
