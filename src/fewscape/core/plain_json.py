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
        ValueError: it is not JSON, holds NaN or infinity, or is nested too deeply.
    """
    try:
        return json.loads(content.decode("utf-8-sig"), parse_constant=_refuse)
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


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"it holds {word}, which is not a number")
