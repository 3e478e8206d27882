"""The local files that make up a raster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fewscape.raster.gdal import open_quietly
from fewscape.raster.opening.sources import Source

MOST_FILES = 10_000
"""Maximum number of files of one raster; a virtual one may have a source per tile."""


def list_files(source: Source) -> list[Path]:
    """List a raster's file, its sidecars, and the sources of a virtual raster.

    Args:
        source: the raster; a remote one has no files.

    Returns:
        Existing files, the raster's own first, each once.
    """
    if source.file is None:
        return []
    found: list[Path] = []
    waiting = [source.file]
    while waiting and len(found) < MOST_FILES:
        path = waiting.pop(0)
        if path in found or not path.exists():
            continue
        found.append(path)
        if path == source.file or path.suffix.lower() == ".vrt":
            waiting += _ask_gdal(path)
    return found


def describe_files(source: Source) -> dict[str, Any]:
    """Path, size and time of each file of a raster, to detect changes."""
    files = list_files(source)
    if not files:
        return {"path": str(source)}
    own, *others = (_describe(path) for path in files)
    return own | ({"others": others} if others else {})


def _ask_gdal(path: Path) -> list[Path]:
    from rasterio.errors import RasterioError

    try:
        with open_quietly(path) as dataset:
            named = [Path(name) for name in dataset.files if not name.startswith("/vsi")]
    except RasterioError:
        return []  # the reader reports the problem
    return [other for other in named if other != path]


def _describe(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {"path": str(path.resolve()), "bytes": status.st_size, "time": status.st_mtime_ns}
