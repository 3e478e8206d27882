"""GDAL paths into archives."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

ARCHIVES = ("/vsizip/", "/vsitar/", "/vsigzip/")


class ArchivePath(NamedTuple):
    """A file in a local archive."""

    kind: str
    """One of ``ARCHIVES``."""
    archive: Path
    inside: str
    """Path in the archive; empty for the whole archive."""

    @property
    def address(self) -> str:
        """The path that GDAL opens, from any folder."""
        end = f"/{self.inside}" if self.inside else ""
        return f"{self.kind}{self.archive.resolve().as_posix()}{end}"


MOST_TOLD = 5
"""Number of files that a message lists."""


def split_archive(path: Path | str) -> ArchivePath | None:
    """Split a path such as ``/vsizip/data/a.zip/roofs.shp``; None if it is not into an archive.

    Archive paths may be absolute or relative.
    """
    text = str(path) if isinstance(path, str) else path.as_posix()
    for kind in ARCHIVES:
        if not text.startswith(kind):
            continue
        inner = text.removeprefix(kind).replace("{", "").replace("}", "")
        for start in (Path(inner), Path("/", inner)):
            for place in (start, *start.parents):
                if place.is_file():
                    return ArchivePath(kind, place, start.relative_to(place).as_posix().strip("."))
    return None


def describe_inside(path: Path) -> str | None:
    """Describe how to name a file inside an archive; None if the path is not an archive.

    Examples:
        >>> describe_inside(Path("scene.tif")) is None
        True
    """
    try:
        if zipfile.is_zipfile(path):
            kind = "/vsizip/"
            with zipfile.ZipFile(path) as archive:
                names = [each.filename for each in archive.infolist() if not each.is_dir()]
        elif path.is_file() and tarfile.is_tarfile(path):
            kind, names = "/vsitar/", []
            with tarfile.open(path) as bundle:
                while len(names) <= MOST_TOLD and (member := bundle.next()) is not None:
                    names += [member.name] if member.isfile() else []
        else:
            return None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, tarfile.TarError):
        return None
    if not names:
        return "it is an empty archive; use the file itself"
    listing = ", ".join(names[:MOST_TOLD]) + (" and others" if len(names) > MOST_TOLD else "")
    return f"it is an archive with {listing}; use one of them as {kind}{path}/{names[0]}"
