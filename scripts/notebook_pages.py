"""Run notebooks and convert them to Markdown pages with their outputs and pictures."""

from __future__ import annotations

import base64
import hashlib
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "notebooks"
LIMIT = 1800
"""Seconds per cell; only a hung kernel takes this long."""
RUNS = "FEWSCAPE_NOTEBOOK_RUNS"
"""Environment variable: folder that keeps executed notebooks, so that each is run once."""
PLAIN = {"TTY_COMPATIBLE": "0", "NO_COLOR": "1"}
"""Environment in which commands print no progress bars and no colours."""


@dataclass(frozen=True, slots=True)
class NotebookPage:
    """An executed notebook as a page."""

    markdown: str
    pictures: dict[str, bytes]
    """PNG files by the name that the page uses."""


def run_notebook(path: Path) -> Any:
    """Run a notebook in a temporary folder, or read an earlier run of the same notebook.

    The kernel communicates through files instead of ports, so the network is not needed. Earlier
    runs are read only from the folder that ``FEWSCAPE_NOTEBOOK_RUNS`` names; empty it when the code
    changes.

    Returns:
        The notebook with its outputs; the file itself is unchanged.

    Raises:
        CellExecutionError: a cell failed.
    """
    import nbformat

    folder = os.environ.get(RUNS)
    if folder is None:
        return _execute(path)
    run = Path(folder, f"{path.stem}-{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}.ipynb")
    if not run.exists():
        notebook = _execute(path)
        run.parent.mkdir(parents=True, exist_ok=True)
        part = run.with_name(f"{run.name}.{os.getpid()}")
        nbformat.write(notebook, part)
        part.replace(run)
    return nbformat.read(run, as_version=4)


def _execute(path: Path) -> Any:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory(prefix="notebook-") as folder:
        client = NotebookClient(
            notebook, kernel_name="python3", timeout=LIMIT, startup_timeout=LIMIT
        )
        manager = client.create_kernel_manager()
        manager.transport = "ipc"
        manager.connection_file = str(Path(folder, "kernel.json"))
        work = Path(folder, "work")
        work.mkdir()
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        client.execute(cwd=str(work), env={**os.environ, "PATH": programs, **PLAIN})
    return notebook


def write_notebook(path: Path) -> NotebookPage:
    """Run a notebook and write it as a page."""
    return format_notebook(run_notebook(path), path.stem)


def format_notebook(notebook: Any, stem: str) -> NotebookPage:
    """Convert an executed notebook to Markdown.

    Args:
        notebook: with outputs.
        stem: start of the pictures' names.
    """
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        language = "bash" if source.startswith("!") else "python"
        parts.append(f"```{language}\n{source.removeprefix('!')}\n```")
        shown = ""
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "image/png" in data:
                name = f"{stem}_{len(pictures) + 1}.png"
                pictures[name] = base64.b64decode(data["image/png"])
                parts.append(f"![What the cell above draws]({name})")
            elif output.get("name") != "stderr":
                text = output.get("text") or data.get("text/plain", "")
                shown += "".join(text).replace("\r\n", "\n").rstrip() + "\n"
        if shown:
            parts.append(f"```text\n{shown.strip()}\n```")
    file = f"https://github.com/fewscape/fewscape/blob/main/docs/notebooks/{stem}.ipynb"
    parts.append(f"*This page is the notebook [{stem}.ipynb]({file}); `make docs` runs it.*")
    return NotebookPage("\n\n".join(parts), pictures)
