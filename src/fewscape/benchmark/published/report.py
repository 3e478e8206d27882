"""The report of a benchmark's finished runs."""

from __future__ import annotations

import json
from typing import Any

from fewscape import __version__
from fewscape.benchmark.published import (
    RunCounts,
    score_benchmark,
    write_report_csv,
    write_report_html,
    write_report_latex,
    write_report_markdown,
)
from fewscape.benchmark.published.definition import TRAINED, Benchmark, Run
from fewscape.core import OutputError, ResultsError, write_bytes
from fewscape.evaluation import load_counts, write_results

FILES = {
    "html": write_report_html,
    "md": write_report_markdown,
    "csv": write_report_csv,
    "tex": write_report_latex,
}

PAPER = (
    "Networks were selected by their score in this test (selection 'paper', as in most papers). "
    "The scores are optimistic; compare them only with published ones."
)
TRIAL = "A trial on the first {limit} test episodes of each class; the benchmark has more."


def compile_report(benchmark: Benchmark) -> dict[str, Any]:
    """Compile scores, tests and costs of all networks with finished runs.

    Raises:
        ResultsError: no network is finished, or counts are from other episodes.
    """
    runs = benchmark.runs()
    missing = [run for run in runs if not benchmark.is_finished(run)]
    unfinished = {run.model for run in missing}
    finished = [run for run in runs if run.model not in unfinished]
    if not finished:
        raise ResultsError(
            f"no network in '{benchmark.output}' has finished all runs",
            f"missing: {', '.join(run.name for run in missing[:5])}"
            + (f" and {len(missing) - 5} more" if len(missing) > 5 else ""),
            "run the benchmark again to finish the missing runs",
        )
    shots = {
        str(number): score_benchmark(
            {fold: benchmark.manifest(fold, number) for fold in benchmark.folds},
            [_load(benchmark, run, number) for run in finished],
        )
        for number in benchmark.shots
    }
    return {
        "benchmark": benchmark.name,
        "protocol": benchmark.protocol_name,
        "note": benchmark.protocol.note,
        "selection": benchmark.selection,
        "warnings": _warn(benchmark),
        "facts": _describe(benchmark),
        "missing": [run.name for run in missing],
        "shots": shots,
        "costs": {
            model: _sum_costs(benchmark, [run for run in finished if run.model == model])
            for model in dict.fromkeys(run.model for run in finished)
        },
    }


def write_report(benchmark: Benchmark) -> dict[str, Any]:
    """Write ``report.html``, ``.md``, ``.csv``, ``.tex`` and ``.json``; return the content.

    Raises:
        ResultsError: see ``compile_report``.
        OutputError: a file cannot be written.
    """
    report = compile_report(benchmark)
    for suffix, write in FILES.items():
        path = benchmark.output / f"report.{suffix}"
        try:
            write_bytes(path, write(report).encode())
        except OSError as error:
            raise OutputError(f"'{path}' cannot be written: {error.strerror}") from error
    write_results(report, benchmark.output / "report.json")
    return report


def _load(benchmark: Benchmark, run: Run, shots: int) -> RunCounts:
    path = benchmark.counts_path(run, shots)
    counts, facts = load_counts(path)
    if facts["episodes_sha256"] != benchmark.manifest(run.fold, shots).sha256:
        raise ResultsError(
            f"'{path}' has counts of episodes that are not those of '{benchmark.protocol_name}'",
            "the episodes were remade after the test",
            "delete it and run the benchmark again",
        )
    return RunCounts(run.model, run.fold, run.seed, counts)


def _warn(benchmark: Benchmark) -> list[str]:
    warnings = [PAPER] if benchmark.selection == "paper" else []
    return warnings + ([] if benchmark.limit is None else [TRIAL.format(limit=benchmark.limit)])


def _describe(benchmark: Benchmark) -> dict[str, str]:
    protocol = benchmark.protocol
    episodes = {
        f"{shots}-shot episodes of fold {fold}": f"{len(benchmark.manifest(fold, shots))}, "
        f"sha256 {benchmark.manifest(fold, shots).sha256[:16]}"
        for shots in benchmark.shots
        for fold in benchmark.folds
    }
    return {
        "data": f"{protocol.dataset}, tested on '{protocol.test_split}', trained on "
        f"'{protocol.train_split}'",
        "image size": f"{protocol.image_size} pixels",
        "pixels of tested classes in training": protocol.held_out_pixels.replace("_", " "),
        "augmentation": "as in the recipes" if benchmark.features is None else "none",
        "smallest object in the test": f"{protocol.min_pixels} pixel"
        + ("s" if protocol.min_pixels > 1 else ""),
        "seed of the test episodes": str(protocol.seed),
        **episodes,
        "fewscape": __version__,
    }


def _sum_costs(benchmark: Benchmark, runs: list[Run]) -> dict[str, Any]:
    trained = [json.loads((benchmark.folder(run) / TRAINED).read_text("utf-8")) for run in runs]
    tested = [load_counts(benchmark.counts_path(run, benchmark.shots[0]))[1] for run in runs]
    return {
        "learnable": trained[0]["learnable"],
        "parameters": trained[0]["parameters"],
        "train_seconds": sum(each["seconds"] for each in trained) / len(runs),
        "forward_seconds": sorted(each["forward_seconds"] for each in tested)[len(runs) // 2],
        "device": tested[0]["device"],
        "precision": tested[0]["precision"],
    }
