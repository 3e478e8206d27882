"""Results as tables and files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from fewscape.core import OutputError, check_folder, write_bytes


def make_table(results: Mapping[str, Any]) -> Table:
    """Make a terminal table of the results of ``evaluate``, in percent."""
    table = Table(title=f"{results['model']} on episodes {results['episodes_sha256'][:12]}")
    table.add_column("data set", footer="mean of classes")
    table.add_column("class", footer=f"FB-IoU {_percent(results['fb_iou'])}")
    table.add_column("IoU %", justify="right", footer=_percent(results["miou"]))
    table.add_column("95 % interval", justify="right", footer=_interval(results["miou_ci95"]))
    episodes = sum(row["episodes"] for row in results["per_class"])
    table.add_column("episodes", justify="right", footer=str(episodes))
    table.show_footer = True
    for row in results["per_class"]:
        table.add_row(
            row["dataset"],
            row["class_name"],
            _percent(row["iou"]),
            _interval(row["ci95"]),
            str(row["episodes"]),
        )
    return table


def write_results(results: Mapping[str, Any], path: Path | str) -> None:
    """Write results as JSON, atomically.

    Raises:
        OutputError: it cannot be written.
    """
    target = Path(path)
    text = json.dumps(results, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    try:
        write_bytes(target, text.encode())
    except OSError as error:
        raise _unwritable(path, error) from error


def check_writable(path: Path | str) -> None:
    """Check before the work starts that a file can be written.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        check_folder(Path(path).parent)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path | str, error: OSError) -> OutputError:
    return OutputError(f"'{path}' cannot be written: {error.strerror}", "", "choose another path")


def _percent(score: float | None) -> str:
    return "-" if score is None else f"{100 * score:.1f}"


def _interval(bounds: Sequence[float | None]) -> str:
    return " to ".join(_percent(bound) for bound in bounds)
