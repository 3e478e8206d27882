"""The whole scene mapped behind the page: ``fewscape map`` in a process of its own.

The journal in the output folder tells how far it is, and lets the same command go on after it was
cancelled or killed, also after the server was.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from fewscape.core import ConfigError, FewscapeError, OutputError
from fewscape.mapping import Journal
from fewscape.raster import StagedFiles
from fewscape.raster.writing.staging import report_write_errors

State = Literal["running", "cancelled", "failed", "done"]

RECORD, EXAMPLES, LOG = "job.json", "examples.gpkg", "job.log"
"""In the output folder: what was asked for, what taught, and what the command said."""

PULSE = 0.4
"""Seconds between two looks at the journal."""

LAST_LINES = 12
"""Of the command's words that the page shows when it failed."""


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A map of a whole scene."""

    scene: str
    """The raster to map."""
    teacher: str
    """The raster that was drawn on."""
    folder: str
    """Where the map goes, with a copy of the examples."""
    threshold: float | None = None
    options: tuple[str, ...] = ()
    """Further words of the command, such as how the scenes are read."""

    @property
    def words(self) -> list[str]:
        """The command."""
        folder = Path(self.folder)
        words = ["map", self.scene, "--examples", str(folder / EXAMPLES), "--output", str(folder)]
        if self.teacher != self.scene:
            words += ["--example_scene", self.teacher]
        if self.threshold is not None:
            words += ["--threshold", f"{self.threshold:g}"]
        return [*words, *self.options]

    @property
    def command(self) -> str:
        """The line that makes the same map."""
        return shlex.join(["fewscape", *self.words])


@dataclass(frozen=True, slots=True)
class JobReport:
    """How far a job is."""

    scene: int
    state: State
    done: float
    """Share of the scene that is mapped."""
    seconds: float
    folder: str
    command: str
    files: tuple[str, ...] = ()
    """That it made, by name."""
    trouble: str = ""
    """What the command said when it failed."""

    def encode(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


class MapJob:
    """Runs a request, and tells how far it is. Starting the same one again goes on with it.

    Args:
        number: of the scene on the page.
        request: what to map.
        tell: called with every report, in the job's own thread.
        finish: called with the last report before it is told that the map is made.
    """

    def __init__(
        self,
        number: int,
        request: JobRequest,
        tell: Callable[[JobReport], None],
        finish: Callable[[JobReport], object],
    ) -> None:
        self.request = request
        self._tell = tell
        self._finish = finish
        self._process: subprocess.Popen[bytes] | None = None
        self._is_cancelled = False
        folder = Path(request.folder)
        self.report = JobReport(number, "running", 0.0, 0.0, str(folder), request.command)

    @classmethod
    def prepare(cls, examples: Path, request: JobRequest) -> None:
        """Make the output folder with a copy of the examples and the request.

        Raises:
            ConfigError: the folder holds something else.
            OutputError: it cannot be written.
        """
        folder = Path(request.folder)
        if folder.exists() and any(folder.iterdir()) and not (folder / RECORD).exists():
            raise ConfigError(
                f"the folder '{folder}' holds other files",
                "expected a new folder, or one with an earlier map of this page",
                "choose another one",
            )
        with StagedFiles(folder) as staged:
            shutil.copyfile(examples, staged.path(EXAMPLES))
            staged.path(RECORD).write_text(json.dumps(asdict(request), indent=1), "utf-8")
            staged.commit()

    @classmethod
    def find(cls, folder: Path) -> JobRequest | None:
        """The request of an earlier run in a folder."""
        try:
            told = json.loads((folder / RECORD).read_text("utf-8"))
            return JobRequest(**{**told, "options": tuple(told["options"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def start(self) -> None:
        """Begin, or go on.

        Raises:
            OutputError: the folder cannot be written.
        """
        folder = Path(self.request.folder)
        with report_write_errors(folder), (folder / LOG).open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command, without a shell
                [sys.executable, "-m", "fewscape.cli.main", *self.request.words],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the server, which ends the job itself
            )
        threading.Thread(target=self._watch, daemon=True).start()

    def cancel(self) -> None:
        """End the process; what is finished stays for the next time."""
        self._is_cancelled = True
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)

    @property
    def is_running(self) -> bool:
        """Whether it still works."""
        return self.report.state == "running"

    def _watch(self) -> None:
        process, begin = self._process, time.monotonic()
        assert process is not None
        while process.poll() is None:
            time.sleep(PULSE)
            self._set(done=max(self.report.done, self._find_share()), begin=begin)
        folder = Path(self.request.folder)
        if process.returncode == 0:
            seconds = round(time.monotonic() - begin, 1)
            self._finish(replace(self.report, done=1.0, seconds=seconds))
            self._set("done", 1.0, begin, files=list_results(folder))
        elif self._is_cancelled:
            self._set("cancelled", self.report.done, begin)
        else:
            self._set("failed", self.report.done, begin, trouble=_read_end(folder / LOG))

    def _set(
        self,
        state: State = "running",
        done: float = 0.0,
        begin: float = 0.0,
        files: tuple[str, ...] = (),
        trouble: str = "",
    ) -> None:
        seconds = round(time.monotonic() - begin, 1)
        self.report = replace(
            self.report, state=state, done=done, seconds=seconds, files=files, trouble=trouble
        )
        self._tell(self.report)

    def _find_share(self) -> float:
        return find_share(Path(self.request.folder))


def find_share(folder: Path) -> float:
    """How much of the map in a folder is made, in [0, 1]; 0 before the work begins."""
    try:
        journals = Journal.find(folder)
    except FewscapeError:
        return 0.0
    total = sum(journal.plan.num_sections for journal in journals)
    missing = sum(len(journal.missing()) for journal in journals)
    return 0.0 if not total else round((total - missing) / total, 4)


def list_results(folder: Path) -> tuple[str, ...]:
    """The files of a finished map, by name."""
    kept = (RECORD, LOG)
    return tuple(
        sorted(
            path.name
            for path in folder.iterdir()
            if path.is_file() and not path.name.startswith(".") and path.name not in kept
        )
    )


def find_result(folder: Path, name: str) -> Path:
    """One of the files of a finished map.

    Raises:
        OutputError: there is no such file.
    """
    if folder.is_dir() and name in list_results(folder):
        return folder / name
    raise OutputError(f"there is no file '{name[:80]}'", "", "map the scene first")


def _read_end(log: Path) -> str:
    try:
        lines = log.read_text("utf-8", errors="replace").strip().splitlines()
    except OSError:
        return "the process ended without a word"
    told = [line for line in lines if line.startswith(("error:", "defect:"))]
    return " ".join(told) or "\n".join(lines[-LAST_LINES:]) or "the process ended without a word"
