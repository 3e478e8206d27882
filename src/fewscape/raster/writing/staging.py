"""Write files that appear all at once or not at all, even if the process is killed in between."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from fewscape.core import FewscapeError, OutputError, check_folder, write_bytes
from fewscape.core.whole_files import sync_tree

PREFIX = ".fewscape-"
"""Prefix of our hidden files and folders."""

STAGED = f"{PREFIX}staged-"
"""Prefix of folders with unfinished files; machine and process id follow."""

COMMIT = f"{PREFIX}commit-"
"""Prefix of folders with finished files that belong in the parent folder."""

OBSOLETE = "obsolete.json"
"""List of obsolete names that a commit removes."""

COMPANIONS = (".aux.xml", ".ovr", ".msk", "-wal", "-shm", "-journal")
"""Suffixes of sidecar files of other programs, which would apply to a new file of the same name."""


class StagedFiles:
    """A hidden folder inside the output folder; its files move out when all are finished.

    Use it as a context manager. An error removes everything written, so a file with its final name
    is always complete. The next user finishes a commit that a killed process began, and removes
    what a process left that was killed earlier.

    Args:
        folder: output folder, created if absent.

    Raises:
        OutputError: on entering, if the folder cannot be written.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._hidden = Path()

    def __enter__(self) -> Self:
        try:
            check_folder(self.folder)
            settle_commits(self.folder)
            name = f"{STAGED}{_name_machine()}-{os.getpid()}-"
            self._hidden = Path(tempfile.mkdtemp(prefix=name, dir=self.folder))
        except OSError as error:
            raise OutputError(
                f"the output folder '{self.folder}' cannot be written: {error.strerror}",
                "expected a writable folder",
                "choose another with --output, or change its permissions",
            ) from error
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        shutil.rmtree(self._hidden, ignore_errors=True)

    def path(self, name: str) -> Path:
        """Path to write the file ``name`` to."""
        return self._hidden / name

    def commit(self, obsolete: Iterable[str] = ()) -> list[Path]:
        """Move every file into the output folder, replacing older ones; return their paths.

        Args:
            obsolete: names of files and hidden folders there to remove, since the new files replace
                them.

        Raises:
            OutputError: a file cannot be moved.
        """
        with report_write_errors(self.folder):
            names = sorted(path.name for path in self._hidden.iterdir())
            gone = sorted(set(obsolete) - set(names))
            write_bytes(self._hidden / OBSOLETE, json.dumps(gone).encode())
            sync_tree(self._hidden)
            ready = self.folder / self._hidden.name.replace(STAGED, COMMIT, 1)
            self._hidden.replace(ready)  # from here on, the files count as written
            _finish_commit(ready)
            return [self.folder / name for name in names]


def settle_commits(folder: Path) -> None:
    """Finish commits that killed processes began, and remove unfinished folders.

    Raises:
        OSError: the folder cannot be written.
    """
    for hidden in sorted(folder.glob(f"{PREFIX}*")):
        if hidden.name.startswith(COMMIT) and hidden.is_dir():
            _finish_commit(hidden)
        elif hidden.name.startswith(STAGED) and _is_abandoned(hidden.name):
            shutil.rmtree(hidden, ignore_errors=True)


def _finish_commit(hidden: Path) -> None:
    """Move the remaining files; another process may do the same at the same time."""
    folder = hidden.parent
    try:
        gone = json.loads((hidden / OBSOLETE).read_text("utf-8"))
    except (OSError, ValueError):
        gone = []
    for written in sorted(hidden.iterdir()):
        if written.name != OBSOLETE:
            for ending in COMPANIONS:
                _remove(folder / f"{written.name}{ending}")
            with suppress(FileNotFoundError):
                written.replace(folder / written.name)
    for name in gone if isinstance(gone, list) else ():
        if isinstance(name, str) and name == Path(name).name:
            for ending in ("", *COMPANIONS):
                _remove(folder / f"{name}{ending}")
    shutil.rmtree(hidden, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink() and path.name.startswith(PREFIX):
        shutil.rmtree(path, ignore_errors=True)
    elif path.is_file() or path.is_symlink():
        path.unlink(missing_ok=True)


def _name_machine() -> str:
    return re.sub(r"[^A-Za-z0-9]", "_", socket.gethostname())[:40]


def _is_abandoned(name: str) -> bool:
    """Whether the process in a folder's name ran on this machine and is gone."""
    machine, _, rest = name.removeprefix(STAGED).partition("-")
    number = rest.partition("-")[0]
    if os.name != "posix" or machine != _name_machine() or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


@contextmanager
def report_write_errors(path: Path) -> Iterator[None]:
    """Turn write failures, such as a full disk, into an ``OutputError``."""
    from pyogrio.errors import DataLayerError, DataSourceError
    from rasterio.errors import RasterioError

    try:
        yield
    except FewscapeError:
        raise
    except (OSError, RasterioError, DataSourceError, DataLayerError) as error:
        raise OutputError(
            f"writing '{path}' failed: {error.__cause__ or error}",
            f"{_describe_space(path)} left there",
            "free some space or choose another folder with --output, then run again",
        ) from error


def _describe_space(path: Path) -> str:
    parents = [path, *path.parents]
    existing = next((parent for parent in parents if parent.exists()), Path())
    return f"{shutil.disk_usage(existing).free / 1e6:,.0f} MB are"
