"""GDAL paths into archives."""

from __future__ import annotations

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
