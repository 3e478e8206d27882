"""What the main job's maps scored, one JSON line each, so that a run can stop at any time."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, BinaryIO

KEY = ("dataset", "scene", "task", "form", "polygons", "model", "seed")
"""What there is one record of."""

Record = dict[str, Any]


def make_key(record: Mapping[str, Any]) -> tuple[Any, ...]:
    """The fields that tell one record from another."""
    return tuple(record[name] for name in KEY)


def is_final(record: Mapping[str, Any]) -> bool:
    """Whether the maps need not be tried again: they were made, or refused with a reason."""
    return all(failure.startswith("error:") for failure in record["failures"])


def read_records(folder: Path) -> dict[tuple[Any, ...], Record]:
    """The records of all parts by key: of several, the latest that made its maps.

    A last line that was cut by a kill is left out.

    Args:
        folder: of the work; empty or missing for none.
    """
    found: dict[tuple[Any, ...], Record] = {}
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in _read_lines(path)]
    for record in sorted(lines, key=lambda record: str(record["finished"])):
        key = make_key(record)
        if key not in found or not record["failures"] or found[key]["failures"]:
            found[key] = record
    return found


def append_record(path: Path, record: Mapping[str, Any]) -> None:
    """Add a line; one that was cut before it is ended first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        is_cut = file.tell() > 0 and _read_last(file) != b"\n"
        file.write((b"\n" if is_cut else b"") + json.dumps(record).encode() + b"\n")


def forget_models(folder: Path, models: Collection[str]) -> int:
    """Take the records of some models out of all parts, as when they have changed.

    Returns:
        How many they were.
    """
    count = 0
    for path in folder.glob("*.jsonl"):
        records = _read_lines(path)
        kept = [record for record in records if record["model"] not in models]
        count += len(records) - len(kept)
        path.write_text("".join(json.dumps(record) + "\n" for record in kept), "utf-8")
    return count


def _read_last(file: BinaryIO) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)


def _read_lines(path: Path) -> list[Record]:
    records = []
    for line in path.read_text("utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return records
