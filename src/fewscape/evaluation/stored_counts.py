"""Store the counts of every episode, from which all scores can be recomputed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from fewscape.core import OutputError, ResultsError, write_whole
from fewscape.metrics import EpisodeOverlap

FACTS = "facts"


def save_counts(counts: EpisodeOverlap, facts: Mapping[str, Any], path: Path) -> None:
    """Write counts and facts atomically.

    Args:
        counts: counts of E episodes.
        facts: plain data, such as the hash of the manifest.
        path: a safetensors file.

    Raises:
        OutputError: it cannot be written.
    """
    from safetensors.torch import save_file

    try:
        with write_whole(path) as draft:
            save_file(counts._asdict(), draft, {FACTS: json.dumps(dict(facts))})
    except (OSError, SafetensorError) as error:
        raise OutputError(f"'{path}' cannot be written: {error}", "", "free some space") from error


def load_counts(path: Path) -> tuple[EpisodeOverlap, dict[str, Any]]:
    """Read the counts and facts of ``save_counts``.

    Raises:
        ResultsError: the file is damaged.
    """
    try:
        with safe_open(path, "pt") as file:
            counts = EpisodeOverlap(*(file.get_tensor(name) for name in EpisodeOverlap._fields))
            return counts, json.loads(file.metadata()[FACTS])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ResultsError(
            f"'{path}' is not a file of episode counts: {error}",
            "it was modified, or written by another version",
            "delete it and run the command again",
        ) from error
