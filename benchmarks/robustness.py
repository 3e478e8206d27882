r"""What becomes of odd, broken and hostile inputs: every one of ``tests/hostile``, by the command.

    .venv/bin/python -m benchmarks.robustness --output benchmarks/results/robustness.json \
        --scripts CASES

Each input is made in a folder of its own and given to ``fewscape`` in a process of its own. It is
*refused* with the sentence that it should be refused with, or used and the result is *right* (of
maps: the roofs are found); anything else is *wrong*, and whatever ends in a trace, by a signal,
after too long or in our own "this should not happen" is a *defect*.
``--scripts`` names a folder of further generators, see its README; their maps show the same roofs.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TextIO, get_args

import torch

from benchmarks.machine import Machine
from fewscape.core import write_bytes
from tests.hostile.cases import LEAST, Case, Verdict, load_cases

LONGEST = 180
"""Seconds after which a command counts as hanging."""

IMPORTED = ("fewscape.request.running", "fewscape.training.fitting", "sklearn.ensemble")
"""What most commands need."""

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

REFUSED = {
    "04": {"map", "data", "fit"},
    "14": {"e"},
    "15": {"z1", "z4"},
    "18": {"w_utm_gpkg", "w_utm_shp"},
    "20": {"case", "backgr"},
}
"""What of the scripts has to be refused: by the folder of the map, or the command."""

NO_ROOFS = {"01": {"d"}, "20": {"slash", "long", "nfc"}}
"""Where other ground is drawn than the roofs."""


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one input."""

    kind: str
    name: str
    expected: str
    verdict: Verdict
    seconds: float
    told: str
    """The last line, of what is wrong all of it."""


def main() -> None:
    """Run everything, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="file to write, .json")
    parser.add_argument("--scripts", type=Path, help="folder of further generators")
    parser.add_argument("--only", default="", help="kinds that begin so")
    arguments = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    torch.set_num_threads(1)
    for name in IMPORTED:
        importlib.import_module(name)
    rows = []
    for case in load_cases():
        if case.kind.startswith(arguments.only):
            rows.append(run_case(case))
            _tell(rows[-1])
    if arguments.scripts is not None:
        for script in sorted(arguments.scripts.resolve().glob("[0-9]*.py")):
            for row in run_script(script):
                rows.append(row)
                _tell(row)
    results = summarise(rows)
    write_bytes(arguments.output, (json.dumps(results, indent=1) + "\n").encode())
    write_bytes(arguments.output.with_suffix(".md"), write_tables(results).encode())
    print(f"{arguments.output}: {results['total']}")


def run_case(case: Case) -> Row:
    """One of our own inputs."""
    with tempfile.TemporaryDirectory(prefix="fewscape-") as name:
        folder = Path(name)
        words = [str(word) for word in case.make(folder)]
        begin = time.perf_counter()
        code, text = call(words)
        seconds = time.perf_counter() - begin
        verdict = case.judge(folder, code, text)
    expected: Verdict = "right" if case.refused is None else "refused"
    return Row(case.kind, case.name, expected, verdict, round(seconds, 1), _shorten(text, verdict))


def call(words: Sequence[str]) -> tuple[object, str]:
    """Exit code and output of the command, in a process of its own.

    It is a copy of this one, so that what the command needs is imported once.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as told:
        process = get_context("fork").Process(target=_run_command, args=(list(words), told))
        process.start()
        process.join(LONGEST)
        if process.is_alive():
            process.kill()
            process.join()
            return "hangs", f"defect: no end after {LONGEST} s"
        told.seek(0)
        return process.exitcode, told.read()


def _run_command(words: list[str], told: TextIO) -> None:
    for stream in (sys.stdout, sys.stderr):
        os.dup2(told.fileno(), stream.fileno())
    from fewscape.cli.main import main as command

    code = command(words)
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)


def run_script(script: Path) -> Iterator[Row]:
    """Every command of a script, which calls it by ``common.fast``."""
    number = script.name[:2]
    with tempfile.TemporaryDirectory(prefix="fewscape-") as name:
        record = Path(name, "record.jsonl")
        runner = [sys.executable, "-m", "benchmarks.robustness_script", str(script), str(record)]
        command = str(Path(sys.executable).with_name("fewscape"))
        variables = {"CASES_WORK": str(Path(name, "work")), "FEWSCAPE": command}
        done = subprocess.run(
            runner, capture_output=True, text=True, env=os.environ | variables, check=False
        )
        code, text = done.returncode, done.stdout + done.stderr
        lines = record.read_text("utf-8").splitlines() if record.is_file() else []
        kind = f"script {script.stem}"
        if code != 0 or not lines:  # without commands it calls the package and prints its errors
            verdict: Verdict = "defect" if code != 0 or "Error" in text else "right"
            yield Row(kind, "the script itself", "right", verdict, 0.0, text[-2000:])
        for line in lines:
            entry = json.loads(line)
            keys = {entry["name"], entry["words"][0]}
            is_refused = bool(keys & REFUSED.get(number, set()))
            is_drawn = entry["name"] not in NO_ROOFS.get(number, ())
            verdict = judge_script(entry, is_refused, is_drawn)
            expected: Verdict = "refused" if is_refused else "right"
            told = _shorten(entry["text"], verdict)
            yield Row(kind, entry["name"], expected, verdict, entry["seconds"], told)


def judge_script(entry: dict[str, Any], is_refused: bool, is_drawn: bool) -> Verdict:
    """What became of a command of a script.

    Args:
        entry: exit code, text, and IoU with the roofs if there is a map.
        is_refused: whether it should be refused.
        is_drawn: whether the map should show the roofs.
    """
    if entry["code"] not in (0, 2, 3) or "Traceback" in entry["text"] or "defect:" in entry["text"]:
        return "defect"
    if entry["code"] == 2:
        return "refused" if is_refused else "wrong"
    is_found = not is_drawn or (entry["iou"] is not None and entry["iou"] >= LEAST)
    return "right" if is_found and not is_refused else "wrong"


def summarise(rows: Sequence[Row]) -> dict[str, Any]:
    """All rows, and how many of each verdict there are."""
    kinds: dict[str, Counter[str]] = {}
    for row in rows:
        kinds.setdefault(row.kind, Counter())[row.verdict] += 1
    counts = {
        kind: {verdict: found[verdict] for verdict in VERDICTS} for kind, found in kinds.items()
    }
    total = {verdict: sum(found[verdict] for found in counts.values()) for verdict in VERDICTS}
    return {
        "total": total,
        "kinds": counts,
        "rows": [asdict(row) for row in rows],
        "machine": asdict(Machine.describe()),
    }


def write_tables(results: dict[str, Any]) -> str:
    """The counts in Markdown, and all that is not as it should be."""
    lines = [
        "# Odd, broken and hostile inputs",
        "",
        "Written by `benchmarks/robustness.py`, which says what the words mean.",
        "",
        f"| inputs | {' | '.join(VERDICTS)} |",
        f"|---|{'---:|' * len(VERDICTS)}",
    ]
    for kind, found in [*results["kinds"].items(), ("**all**", results["total"])]:
        cells = " | ".join(str(found[verdict]) for verdict in VERDICTS)
        lines.append(f"| {kind} | {cells} |")
    longest = max(results["rows"], key=lambda row: float(row["seconds"]))
    lines += ["", f"The longest command took {longest['seconds']} s ({longest['name']}).", ""]
    for row in results["rows"]:
        if row["verdict"] in ("wrong", "defect"):
            lines += [f"* {row['verdict']}: {row['kind']}, {row['name']}"]
    return "\n".join(lines).rstrip() + "\n"


def _shorten(text: str, verdict: Verdict) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return text[-3000:] if verdict in ("wrong", "defect") else (lines[-1] if lines else "")[:400]


def _tell(row: Row) -> None:
    print(f"{row.verdict:8} {row.seconds:5.1f} s  {row.kind}: {row.name}", flush=True)


if __name__ == "__main__":
    main()
