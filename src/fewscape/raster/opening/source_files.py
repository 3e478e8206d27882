"""All files on this machine that decide the pixels of a raster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fewscape.raster.gdal import open_quietly
from fewscape.raster.opening.sources import Source

MOST_FILES = 10_000
"""Of one raster; a virtual one may have a source for each tile."""


def list_files(source: Source) -> list[Path]:
    """The raster's own file, what lies beside it, and what a virtual raster is made of.

    Args:
        source: the raster; of one elsewhere nothing is listed.

    Returns:
        Files that exist, the raster's own first, each once.
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
    """What tells whether a raster was changed: path, size and time of each of its files."""
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
        return []  # whoever reads it says what is wrong
    return [other for other in named if other != path]


def _describe(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {"path": str(path.resolve()), "bytes": status.st_size, "time": status.st_mtime_ns}
