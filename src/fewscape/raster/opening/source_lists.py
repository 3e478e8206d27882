"""Expand folders, patterns, lists and STAC files into rasters."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

from fewscape.core import SceneError
from fewscape.raster.opening.remote import Retry
from fewscape.raster.opening.sources import SCHEME, Source, to_source
from fewscape.raster.opening.stac import read_items

RASTERS = frozenset(
    {".tif", ".tiff", ".vrt", ".png", ".jpg", ".jpeg", ".jp2", ".j2k", ".jxl", ".webp"}
    | {".bmp", ".gif", ".img", ".ntf", ".nitf", ".ecw", ".sid", ".pix", ".asc", ".kea"}
)
"""Suffixes of rasters in a folder."""

LISTS = frozenset({".txt", ".lst"})
"""Suffixes of files with one scene per line."""

CATALOGS = frozenset({".json", ".geojson"})
"""Suffixes of STAC items and item collections."""

FOLDERS = frozenset({".zarr", ".safe"})
"""Suffixes of folders that are one raster."""


def find_sources(
    scenes: Sequence[str], asset: str | None = None, retry: Retry | None = None
) -> list[Source]:
    """Find all rasters of a list of scenes, in order.

    Each may be

    - a raster: a path, an ``http(s)://`` or ``s3://`` address, a ``/vsi...`` path;
    - a folder: every file in it with a raster's suffix, sorted by name;
    - a pattern such as ``tiles/*.tif``: likewise;
    - a text file (``.txt``, ``.lst``) with one of these per line; empty lines and those that begin
      with ``#`` are skipped, and relative paths are relative to the current folder;
    - a STAC item or item collection (``.json``, ``.geojson``), local or remote, see ``read_items``.

    Args:
        scenes: the scenes as given by the user.
        asset: asset of STAC items.
        retry: retry policy of network reads.

    Raises:
        SceneError: a folder, pattern, list or catalogue has no raster or is unreachable.
    """
    return [source for scene in scenes for source in _expand(scene, asset, retry)]


def _expand(text: str, asset: str | None, retry: Retry | None) -> Iterator[Source]:
    if text.startswith("/vsi") or SCHEME.match(text):
        source = to_source(text)
        if source.path.suffix.lower() in CATALOGS:
            yield from _read_catalog(source, asset, retry)
        else:
            yield source
        return
    path = Path(text)
    suffix = path.suffix.lower()
    if path.is_dir() and suffix not in FOLDERS:
        yield from _list_folder(path)
    elif path.is_file() and suffix in LISTS:
        yield from _read_list(path, asset, retry)
    elif path.is_file() and suffix in CATALOGS:
        yield from _read_catalog(to_source(path), asset, retry)
    elif not path.exists() and glob.has_magic(text):
        yield from _match(text)
    else:
        yield to_source(text)


def _read_catalog(source: Source, asset: str | None, retry: Retry | None) -> Iterator[Source]:
    for name, address in read_items(source, asset, retry):
        yield Source(to_source(address).address, name)


def _list_folder(folder: Path) -> list[Source]:
    found = _pick_rasters(list(folder.iterdir()))
    if not found:
        raise SceneError(
            f"the folder '{folder}' has no raster",
            "expected GeoTIFF, PNG, JPEG, VRT or another raster directly in it",
            f"check the folder; for rasters in subfolders, use '{folder}/**/*.tif'",
        )
    return [to_source(path) for path in found]


def _match(pattern: str) -> list[Source]:
    names = glob.glob(pattern, recursive=True)  # noqa: PTH207 (of pathlib it must be relative)
    found = [Path(name) for name in names]
    files = _pick_rasters(found) or sorted(path for path in found if path.is_file())
    if not files:
        raise SceneError(
            f"no file matches '{pattern}'", "expected at least one raster", "check the pattern"
        )
    return [to_source(path) for path in files]


def _pick_rasters(paths: list[Path]) -> list[Path]:
    """Paths with a raster's suffix, sorted by name, without hidden files."""
    rasters = (path for path in paths if path.suffix.lower() in RASTERS and path.is_file())
    return sorted(path for path in rasters if not path.name.startswith("."))


def _read_list(path: Path, asset: str | None, retry: Retry | None) -> list[Source]:
    try:
        lines = [line.strip() for line in path.read_text("utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise SceneError(
            f"'{path}' is not a list of scenes: {error.reason}",
            "expected text with one scene per line",
            "check the file",
        ) from error
    scenes = [line for line in lines if line and not line.startswith("#")]
    nested = [scene for scene in scenes if Path(scene).suffix.lower() in LISTS]
    if nested or not scenes:
        raise SceneError(
            f"the list '{path}' {f'names the list {nested[0]!r}' if nested else 'is empty'}",
            "expected one raster, folder, pattern or STAC file per line",
            "list the scenes themselves",
        )
    return [source for scene in scenes for source in _expand(scene, asset, retry)]
