"""Read the files of a download, packed or unpacked."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from fewscape.core import Closing, DatasetError

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a download."""

    path: str
    """Its path with forward slashes; archives count as folders."""
    open: Callable[[], IO[bytes]]

    def read(self) -> bytes:
        """Read the whole content."""
        with self.open() as stream:
            return stream.read()

    def copy(self, target: Path) -> None:
        """Copy the content unchanged."""
        with self.open() as stream, target.open("wb") as written:
            shutil.copyfileobj(stream, written, 1 << 20)


def note_once(found: dict[Key, SourceFile], key: Key, file: SourceFile, what: str = "file") -> None:
    """Record a file that must be unique in a download.

    Args:
        found: files found so far.
        key: identity of the file.
        file: the new file.
        what: kind of file, for the message.

    Raises:
        DatasetError: the key exists already.
    """
    if key in found:
        raise DatasetError(
            f"'{found[key].path}' and '{file.path}' are the same {what}",
            "expected each once",
            "keep only one copy of the download in --source",
        )
    found[key] = file


class Download(Closing):
    """A folder of files and (nested) ZIP archives.

    Nested archives are unpacked into a temporary folder, one at a time.

    Args:
        folder: folder of the download, or one archive.

    Raises:
        DatasetError: there is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.exists():
            raise DatasetError(
                f"there is no '{folder}'", "expected the folder of the download", "check --source"
            )
        self.folder = folder
        self._open = ExitStack()

    def close(self) -> None:
        """Close all archives and remove unpacked ones."""
        self._open.close()

    def __iter__(self) -> Iterator[SourceFile]:
        """Yield every file, sorted by name.

        Raises:
            DatasetError: an archive is damaged.
        """
        if self.folder.is_file():
            yield from self._unpack(self.folder, self.folder.name)
            return
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            if path.suffix.lower() == ".zip":
                yield from self._unpack(path, name)
            elif path.is_file():
                yield SourceFile(name, lambda path=path: path.open("rb"))  # type: ignore[misc]

    def _unpack(self, path: Path, name: str) -> Iterator[SourceFile]:
        try:
            archive = self._open.enter_context(zipfile.ZipFile(path))
        except (zipfile.BadZipFile, OSError) as error:
            raise DatasetError(
                f"the archive '{path}' cannot be read: {error}",
                "it is incomplete or not a ZIP file",
                "download it again",
            ) from error
        for member in sorted(archive.namelist()):
            inner = f"{name}/{member}"
            if member.lower().endswith(".zip"):
                folder = self._open.enter_context(tempfile.TemporaryDirectory())
                unpacked = Path(folder) / Path(member).name
                SourceFile(inner, lambda m=member: archive.open(m)).copy(unpacked)  # type: ignore[misc]
                yield from self._unpack(unpacked, inner)
            elif not member.endswith("/"):
                yield SourceFile(inner, lambda m=member: archive.open(m))  # type: ignore[misc]
