"""Notebooks as pages; what they print stands in the notebook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_notebook(path: Path) -> str:
    """Markdown of a notebook: its text, its code, and what the code printed."""
    notebook = json.loads(path.read_text("utf-8"))
    parts = [_write_cell(cell) for cell in notebook["cells"]]
    parts.append(f"*This page is the notebook [{path.name}](../../docs/notebooks/{path.name}).*")
    return "\n\n".join(parts).replace(
        f"../../docs/notebooks/{path.name}",
        f"https://github.com/fewscape/fewscape/blob/main/docs/notebooks/{path.name}",
    )


def _write_cell(cell: dict[str, Any]) -> str:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return source
    parts = [f"```python\n{source}\n```"]
    for output in cell.get("outputs", ()):
        text = output.get("text") or output.get("data", {}).get("text/plain")
        if text:
            parts.append(f"```text\n{''.join(text).rstrip()}\n```")
    return "\n\n".join(parts)
