"""The identity of a raster: a cheap fingerprint and its acquisition time."""

from __future__ import annotations

import hashlib
import re
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fewscape.core import Window
from fewscape.raster.gdal import to_rasterio
from fewscape.raster.georeference import name_crs
from fewscape.raster.ground_control import find_control
from fewscape.raster.opening.handles import Handles
from fewscape.raster.opening.remote import Retry
from fewscape.raster.opening.sources import Source, to_source

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

PLACES = 8
"""Windows along each axis."""

SIDE = 16
"""Side of a window, pixels."""


def fingerprint_scene(scene: Source | Path | str, retry: Retry | None = None) -> str:
    """SHA-256 of a raster's metadata and 64 small windows of all bands.

    It covers size, bands, type, nodata, transform and CRS, and 16 x 16 pixels at 8 x 8 places, at
    full resolution. A huge scene costs no more than a small one, and recompression or overviews
    change nothing. Changes between the windows go unnoticed.

    Args:
        scene: the raster.
        retry: retry policy of network reads.

    Returns:
        Hexadecimal digits.

    Raises:
        SceneError: the file is missing, damaged, unreachable or not a raster.
    """
    with closing(Handles(to_source(scene), retry or Retry())) as handles:
        return handles.use("fingerprint", _digest)


def read_time(scene: Source | Path | str, retry: Retry | None = None) -> datetime | None:
    """The acquisition time of a scene, or the creation time if the file has only that.

    Times without a zone are taken as UTC.

    Args:
        scene: the raster.
        retry: retry policy of network reads.

    Raises:
        SceneError: the file is missing, damaged, unreachable or not a raster.
    """
    with closing(Handles(to_source(scene), retry or Retry())) as handles:
        tags, told = handles.use(
            "tags", lambda dataset: (dataset.tags(), dataset.tags(ns="IMAGERY"))
        )
    told = told.get("ACQUISITIONDATETIME", "") or tags.get("TIFFTAG_DATETIME", "")
    told = re.sub(r"^(\d{4}):(\d\d):(\d\d)", r"\1-\2-\3", told.strip())  # in TIFF's format
    try:
        found = datetime.fromisoformat(told)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _digest(dataset: DatasetReader) -> str:
    place = [f"{value:.12g}" for value in dataset.transform[:6]]
    own = dataset.shape, dataset.dtypes, dataset.nodata, place, name_crs(dataset.crs)
    facts = (*own, *_describe_control(dataset))
    digest = hashlib.sha256(repr(facts).encode())
    for row in _spread(dataset.height):
        for col in _spread(dataset.width):
            height = min(SIDE, dataset.height - row)
            window = Window(row, col, height, min(SIDE, dataset.width - col))
            place = to_rasterio(window)
            if len(set(dataset.dtypes)) == 1:
                digest.update(dataset.read(window=place).tobytes())
                continue
            for band in dataset.indexes:
                digest.update(dataset.read(band, window=place).tobytes())
    return digest.hexdigest()


def _describe_control(dataset: DatasetReader) -> list[str]:
    """Control points or polynomials, if the raster has no transform."""
    control = find_control(dataset)[2]
    return [] if control is None else [repr(control)]


def _spread(length: int) -> list[int]:
    """Origins of the windows along an axis."""
    last = max(0, length - SIDE)
    return sorted(set(np.linspace(0, last, PLACES).astype(int).tolist()))
