"""The files that make up a set of examples, and their hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

from fewscape.core import ExamplesError, hash_file
from fewscape.mapping.examples.label_rasters import RASTERS, find_table
from fewscape.raster.opening.archive_paths import split_archive
from fewscape.raster.opening.source_files import list_files
from fewscape.raster.opening.sources import Source

PARTS = {
    ".shp": (".dbf", ".shx", ".prj", ".cpg"),
    ".tab": (".dat", ".map", ".id", ".ind"),
    ".mif": (".mid",),
    ".gml": (".gfs", ".xsd"),
}
"""Suffixes of sidecar files, by the suffix of the vector file."""

LOGS = ("-wal", "-journal")
"""Suffix of the write-ahead log of an open GeoPackage."""


def list_example_files(path: Path) -> list[Path]:
    """List a file of examples and its sidecars: classes, attributes, georeference.

    Args:
        path: vector file or label raster; a folder is a geodatabase.

    Returns:
        The existing files, the given one first; for a folder, the files in it.
    """
    archive = split_archive(path)
    if archive is not None:
        return [archive.archive]
    if path.is_dir():
        return sorted(each for each in path.rglob("*") if each.is_file())
    if path.suffix.lower() in RASTERS:
        table = find_table(path)
        return [*list_files(Source(str(path), path.name)), *([] if table is None else [table])]
    endings = PARTS.get(path.suffix.lower(), ())
    beside = [
        each
        for each in sorted(path.parent.iterdir())
        if each.stem == path.stem and each.suffix.lower() in endings
    ]
    logs = [path.with_name(path.name + ending) for ending in LOGS]
    return [each for each in (path, *beside, *logs) if each.is_file()]


def hash_examples(path: Path) -> str:
    """SHA-256 of a file of examples, or a combined one for several files.

    The hash depends on suffixes but not on names.

    Raises:
        ExamplesError: a file cannot be read.
    """
    try:
        first, *others = files = list_example_files(path)
        if not others:
            return hash_file(first)
        digest = hashlib.sha256()
        for each in files:
            told = each.relative_to(path).as_posix() if path.is_dir() else _end(each, path)
            digest.update(f"{told} {hash_file(each)}\n".encode())
    except (OSError, ValueError) as error:
        raise ExamplesError(f"the examples '{path}' cannot be read: {error}") from error
    return digest.hexdigest()


def _end(path: Path, own: Path) -> str:
    return path.name.removeprefix(own.stem) if path.name.startswith(own.stem) else path.name
