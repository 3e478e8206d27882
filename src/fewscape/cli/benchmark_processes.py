"""Benchmark runs in separate processes, one per GPU."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fewscape.benchmark.published.definition import Benchmark, Run

LOG = "log.txt"


def run_in_processes(benchmark: Benchmark, runs: list[Run], processes: int, gpus: int) -> list[str]:
    """Do several runs in parallel; the output of each goes to its ``log.txt``.

    Args:
        benchmark: the benchmark that the runs belong to.
        runs: the runs to do.
        processes: number of runs in parallel.
        gpus: devices that torch sees, assigned to the processes in turn.

    Returns:
        Names of the runs that failed.
    """
    free: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    names = _name_devices(gpus)
    for number in range(processes):
        free.put(names[number % gpus] if gpus else None)

    def do(run: Run) -> str | None:
        device = free.get()
        try:
            code = _run_process(benchmark, run, device)
        finally:
            free.put(device)
        print(f"{run.name}: {'failed' if code else 'done'}", flush=True)
        return run.name if code else None

    with ThreadPoolExecutor(processes) as threads:
        return [name for name in threads.map(do, runs) if name is not None]


def _name_devices(gpus: int) -> list[str]:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible.split(",") if visible else [str(number) for number in range(gpus)]


def _run_process(benchmark: Benchmark, run: Run, device: str | None) -> int:
    folder = benchmark.folder(run)
    folder.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ)
    if device is not None:
        environment["CUDA_VISIBLE_DEVICES"] = device
    with (folder / LOG).open("w", encoding="utf-8") as log:
        return subprocess.run(  # noqa: S603 (our own command)
            [sys.executable, "-m", "fewscape.cli.main", *_words(benchmark, run)],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            check=False,
        ).returncode


def _words(benchmark: Benchmark, run: Run) -> list[str]:
    """The command line of one run."""
    options = {
        "models": ",".join(benchmark.models),
        "protocol": benchmark.protocol_name,
        "folds": ",".join(map(str, benchmark.folds)),
        "seeds": benchmark.num_seeds,
        "shots": ",".join(map(str, benchmark.shots)),
        "root": benchmark.root,
        "recipes": benchmark.recipes,
        "output": benchmark.output,
        "selection": benchmark.selection,
        "limit": benchmark.limit,
        "regions": benchmark.regions,
        "features": benchmark.features,
        "device": benchmark.device,
        "only": run.name,
        "processes": 1,
    }
    given = [f"--{name}={value}" for name, value in options.items() if value is not None]
    return ["benchmark", benchmark.name, *given]
