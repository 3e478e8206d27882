"""Time equivalent variants and write a result file.

Variants take turns in every round, each round starting with a different one, so that other load
slows all of them alike. A result describes the machine and whether it was busy.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.machine import REPOSITORY, Machine, Watch

FORMAT = "fewscape-benchmark/1"

BUSY_CORES = 0.3
"""Processors used by other processes above which a result is invalid."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Times of one variant."""

    seconds: list[float]
    """One per round, in order."""
    median: float
    low_quartile: float
    high_quartile: float
    speedup: float
    """Median over the rounds of the first variant's time divided by this one's."""

    @classmethod
    def of(cls, seconds: list[float], first: list[float]) -> Timing:
        """Statistics of one variant, relative to the first."""
        low, median, high = statistics.quantiles(seconds, n=4, method="inclusive")
        ratios = [reference / own for reference, own in zip(first, seconds, strict=True)]
        return cls(seconds, median, low, high, statistics.median(ratios))


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """Times of variants on one machine."""

    timings: dict[str, Timing]
    """By variant; the first is the reference."""
    machine: Machine
    others_cores: float
    """Mean number of processors used by other processes during the benchmark."""
    load_before: float
    """Load average of the minute before the first round."""
    load_after: float
    """Load average after the last round, including the benchmark."""
    created: str
    """Time of day, ISO 8601, UTC."""
    command: list[str]
    notes: dict[str, object] = field(default_factory=dict)
    """Further results by title, JSON values."""

    @property
    def is_busy(self) -> bool:
        """Whether other processes used the machine, which invalidates the result."""
        return self.others_cores > BUSY_CORES

    def to_json(self) -> dict[str, Any]:
        """The content of a result file."""
        return {"format": FORMAT, "busy": self.is_busy, **asdict(self)}


def validate(document: Mapping[str, Any]) -> BenchmarkResult:
    """Read the content of a result file.

    Args:
        document: result of ``to_json``.

    Raises:
        ValueError: a key is missing or unknown, the format differs, or a statistic does not follow
            from the times.
    """
    content = dict(document)
    if content.pop("format", None) != FORMAT:
        raise ValueError(f"format is {document.get('format')!r}; expected {FORMAT!r}")
    busy = content.pop("busy", None)
    _check_keys(BenchmarkResult, content, "result")
    _check_keys(Machine, content["machine"], "machine")
    for name, timing in content["timings"].items():
        _check_keys(Timing, timing, f"timing of '{name}'")
    content["machine"] = Machine(**content["machine"])
    content["timings"] = {name: Timing(**each) for name, each in content["timings"].items()}
    result = BenchmarkResult(**content)
    _check_figures(result)
    if busy is not result.is_busy:
        raise ValueError(f"busy is {busy}; others_cores says {result.is_busy}")
    return result


def _check_keys(kind: type, document: Mapping[str, Any], name: str) -> None:
    known = {each.name for each in fields(kind)}
    if missing := known - document.keys():
        raise ValueError(f"{name} lacks {', '.join(sorted(missing))}")
    if unknown := document.keys() - known:
        raise ValueError(f"{name} has unknown keys {', '.join(sorted(unknown))}")


def _check_figures(result: BenchmarkResult) -> None:
    first = next(iter(result.timings.values())).seconds
    for name, timing in result.timings.items():
        if timing != Timing.of(timing.seconds, first):
            raise ValueError(f"the statistics of '{name}' do not follow from its seconds")


def compare(
    variants: Mapping[str, Callable[[], object]], repeats: int = 15, warmup: int = 2
) -> BenchmarkResult:
    """Time variants in turns.

    Args:
        variants: functions by name; the first is the reference for speedups.
        repeats: number of measured rounds.
        warmup: number of rounds before them that are discarded.

    Raises:
        ValueError: no variant, or fewer than two rounds.
    """
    if not variants or repeats < 2:
        raise ValueError(f"{len(variants)} variants in {repeats} rounds; expected 1 and 2 or more")
    names = list(variants)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    watch = Watch()
    for round_number in range(warmup + repeats):
        first = round_number % len(names)
        for name in names[first:] + names[:first]:
            taken = _time(variants[name])
            if round_number >= warmup:
                seconds[name].append(taken)
    others_cores, load_after = watch.read(), os.getloadavg()[0]
    return BenchmarkResult(
        timings={name: Timing.of(seconds[name], seconds[names[0]]) for name in names},
        machine=Machine.describe(),
        others_cores=others_cores,
        load_before=watch.load_before,
        load_after=load_after,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=_tell_command(),
    )


def _time(call: Callable[[], object]) -> float:
    _wait_for_gpu()
    begin = time.perf_counter()
    call()
    _wait_for_gpu()
    return time.perf_counter() - begin


def _wait_for_gpu() -> None:
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def _tell_command() -> list[str]:
    """The script, relative to the repository, and its arguments."""
    script = Path(sys.argv[0]).resolve()
    inside = script.is_relative_to(REPOSITORY)
    name = script.relative_to(REPOSITORY).as_posix() if inside else script.name
    return ["python", name, *sys.argv[1:]]


def write_result(
    result: BenchmarkResult, path: Path, notes: Mapping[str, object] | None = None
) -> None:
    """Write the JSON file atomically and print the table.

    Args:
        result: the times.
        path: file to write; missing folders are created.
        notes: further results by title; a mapping from every variant to a number becomes a column
            of the table.
    """
    result = replace(result, notes=result.notes | dict(notes or {}))
    text = json.dumps(result.to_json(), indent=1) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text)
    part.replace(path)
    console = Console()
    console.print(make_table(result))
    if result.is_busy:
        console.print(
            f"other processes used {result.others_cores:.1f} processors: repeat this on an idle "
            "machine"
        )
    console.print(str(path))


def read_result(path: Path) -> BenchmarkResult:
    """Read a file of ``write_result``.

    Raises:
        ValueError: the file is not a valid result.
    """
    return validate(json.loads(path.read_text()))


def make_table(result: BenchmarkResult) -> Table:
    """Median, quartiles, speedup and noted numbers of every variant."""
    columns = _find_columns(result)
    table = Table("variant", box=None, header_style="bold")
    for title in ("median ms", "middle half", "speedup", *columns):
        table.add_column(title, justify="right")
    for name, timing in result.timings.items():
        half = f"{1e3 * timing.low_quartile:.1f} to {1e3 * timing.high_quartile:.1f}"
        notes = [f"{values[name]:.3g}" for values in columns.values()]
        median = f"{1e3 * timing.median:.1f}"
        table.add_row(name, median, half, f"{timing.speedup:.2f} x", *notes)
    return table


def _find_columns(result: BenchmarkResult) -> dict[str, dict[str, float]]:
    """Notes with a number for every variant."""
    return {
        title: note
        for title, note in result.notes.items()
        if isinstance(note, dict)
        and note.keys() == result.timings.keys()
        and all(isinstance(value, int | float) for value in note.values())
    }
