"""Read recipes from untrusted files: plain YAML of limited size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fewscape.core import ConfigError

MOST_BYTES = 1 << 20
"""Of a file."""

MOST_ENTRIES = 100_000
"""Entries, with aliases expanded."""

DEEPEST = 64
"""Depth of nested tables and lists."""


def read_recipe(path: Path) -> dict[str, Any]:
    """Read the keys of a recipe and check them before anything is built from them.

    Raises:
        ConfigError: the file cannot be read, is not YAML or not a table of keys, contains Python
            objects, or is too large or too deep.
    """
    import yaml

    try:
        if path.stat().st_size > MOST_BYTES:
            raise _refuse(path, f"has more than {MOST_BYTES >> 20} MB")
        text = path.read_text("utf-8-sig")
        node = yaml.compose(text, yaml.SafeLoader)
        if node is not None:
            _count(path, node, {}, 0)
        content = yaml.safe_load(text)
    except RecursionError as error:
        raise _refuse(path, "is nested too deeply") from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, OSError) as error:
        if isinstance(error, ConfigError):
            raise
        told = " ".join(str(error).split())[:300]
        raise ConfigError(f"the recipe '{path}' is not YAML: {told}") from error
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise _refuse(path, "is not a table of keys")
    return content


def _count(path: Path, node: Any, sizes: dict[int, int], depth: int) -> int:  # noqa: ANN401
    """Count the entries of a node, with aliases expanded."""
    if id(node) in sizes:
        if not sizes[id(node)]:  # it is being counted
            raise _refuse(path, "holds itself")
        return sizes[id(node)]
    if depth > DEEPEST:
        raise _refuse(path, "is nested too deeply")
    sizes[id(node)] = 0
    parts = node.value if isinstance(node.value, list) else []
    flat = [each for part in parts for each in (part if isinstance(part, tuple) else (part,))]
    total = 1 + sum(_count(path, each, sizes, depth + 1) for each in flat)
    if total > MOST_ENTRIES:
        raise _refuse(path, f"expands to more than {MOST_ENTRIES:,} entries")
    sizes[id(node)] = total
    return total


def _refuse(path: Path, problem: str) -> ConfigError:
    return ConfigError(
        f"the recipe '{path}' {problem}",
        "expected a table of keys such as 'model:', 'data:' and 'trainer:'",
        "see: fewscape fit --help",
    )
