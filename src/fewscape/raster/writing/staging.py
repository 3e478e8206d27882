"""Files that appear all at once or not at all, also where the process is killed between them."""

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
from types import TracebackType
from typing import Self

from fewscape.core import FewscapeError, OutputError, check_folder, write_bytes
from fewscape.core.whole_files import sync_tree

PREFIX = ".fewscape-"
"""What the names of hidden files and folders of ours begin with."""

STAGED = f"{PREFIX}staged-"
"""Folders with files that are still being written; behind it machine and number of the process."""

COMMIT = f"{PREFIX}commit-"
"""Folders whose files are all finished, and belong into the folder above."""

OBSOLETE = "obsolete.json"
"""Names that the files of a commit replace without having them."""

COMPANIONS = (".aux.xml", ".ovr", ".msk", "-wal", "-shm", "-journal")
"""What other programs leave beside a file, and apply to whatever has its name afterwards."""


class StagedFiles:
    """A hidden folder inside the output folder whose files move out when all are finished.

    Used as a context manager. Leaving it by an error removes everything that was written, so a
    file with its final name is always a complete one. What a process left that was killed between
    two files of a commit is finished by whoever enters next; what one left that was killed before
    is removed.

    Args:
        folder: where the files are to appear; made if absent.

    Raises:
        OutputError: on entering: the folder cannot be written.
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
                "expected a folder in which files can be made",
                "choose another one with --output, or change its permissions",
            ) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shutil.rmtree(self._hidden, ignore_errors=True)

    def path(self, name: str) -> Path:
        """Where to write the file that will be called ``name``."""
        return self._hidden / name

    def commit(self, obsolete: Iterable[str] = ()) -> list[Path]:
        """Move every file into the output folder, replacing older ones; return their paths.

        Args:
            obsolete: names of files and hidden folders there that go, since what is written takes
                their place.

        Raises:
            OutputError: a file cannot be moved.
        """
        with report_write_errors(self.folder):
            names = sorted(path.name for path in self._hidden.iterdir())
            gone = sorted(set(obsolete) - set(names))
            write_bytes(self._hidden / OBSOLETE, json.dumps(gone).encode())
            sync_tree(self._hidden)
            ready = self.folder / self._hidden.name.replace(STAGED, COMMIT, 1)
            self._hidden.replace(ready)  # from here on the files count as written
            _finish_commit(ready)
            return [self.folder / name for name in names]


def settle_commits(folder: Path) -> None:
    """Finish the commits that killed processes began, and remove what others left unfinished.

    Raises:
        OSError: the folder cannot be written.
    """
    for hidden in sorted(folder.glob(f"{PREFIX}*")):
        if hidden.name.startswith(COMMIT) and hidden.is_dir():
            _finish_commit(hidden)
        elif hidden.name.startswith(STAGED) and _is_abandoned(hidden.name):
            shutil.rmtree(hidden, ignore_errors=True)


def _finish_commit(hidden: Path) -> None:
    """Move what is left; another process may do the same at the same time."""
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
    """Whether the process that a folder is named after was one of this machine and is gone."""
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
    """Turn failures of writing, a full disk above all, into an ``OutputError``."""
    from pyogrio.errors import DataLayerError, DataSourceError
    from rasterio.errors import RasterioError

    try:
        yield
    except FewscapeError:
        raise
    except (OSError, RasterioError, DataSourceError, DataLayerError) as error:
        raise OutputError(
            f"writing '{path}' failed: {error.__cause__ or error}",
            f"{_tell_space(path)} left there",
            "free some space or choose another folder with --output, then run again",
        ) from error


def _tell_space(path: Path) -> str:
    parents = [path, *path.parents]
    existing = next((parent for parent in parents if parent.exists()), Path())
    return f"{shutil.disk_usage(existing).free / 1e6:,.0f} MB are"
