"""Read untrusted JSON; everything wrong with it raises the same error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

MOST_BYTES = 256 << 20
"""Maximum bytes of a file; real files are far smaller."""


def parse_json(content: bytes) -> Any:  # noqa: ANN401 (JSON)
    """Parse JSON in UTF-8, with or without a byte order mark.

    Raises:
        ValueError: it is not JSON, holds NaN or infinity, has a duplicate key, or is nested too
            deeply.
    """
    try:
        text = content.decode("utf-8-sig")
        return json.loads(text, parse_constant=_refuse, object_pairs_hook=_join)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 ({error.reason} at byte {error.start})") from error


def read_json(path: Path, most_bytes: int = MOST_BYTES) -> Any:  # noqa: ANN401 (JSON)
    """Read a JSON file, see ``parse_json``.

    Args:
        path: the file.
        most_bytes: larger files are not read.

    Raises:
        OSError: it cannot be read.
        ValueError: see ``parse_json``; or it is too large.
    """
    size = path.stat().st_size
    if size > most_bytes:
        raise ValueError(f"it has {size / 1e6:,.0f} MB, more than the {most_bytes / 1e6:,.0f} MB")
    return parse_json(path.read_bytes())


def _join(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a dictionary; Python's own reader silently keeps the last duplicate."""
    joined = dict(pairs)
    if len(joined) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"it has a duplicate key '{twice}'")
    return joined


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"it holds {word}, which is not a number")
