"""Files that appear all at once or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from fewscape.core import FewscapeError, OutputError


class StagedFiles:
    """A hidden folder inside the output folder whose files move out when all are finished.

    Used as a context manager. Leaving it by an error removes everything that was written, so a
    file with its final name is always a complete one; a killed process leaves a hidden folder.

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
            self.folder.mkdir(parents=True, exist_ok=True)
            self._hidden = Path(tempfile.mkdtemp(prefix=".fewscape-", dir=self.folder))
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

    def commit(self) -> list[Path]:
        """Move every file into the output folder, replacing older ones; return their paths.

        Raises:
            OutputError: a file cannot be moved.
        """
        with report_write_errors(self.folder):
            return [
                written.replace(self.folder / written.name)
                for written in sorted(self._hidden.iterdir())
            ]


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
