"""A cheap fingerprint of a raster, to know it again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from fewscape.core import SceneError, Window
from fewscape.raster.gdal import open_raster, read_strictly, tell_cause, to_rasterio
from fewscape.raster.georeference import name_crs

PLACES = 8
"""Windows along each axis."""

SIDE = 16
"""Pixels along each side of a window."""


def fingerprint_scene(path: Path | str) -> str:
    """SHA-256 over what a raster says of itself and over 64 small windows of all its bands.

    Size, bands, type, nodata, transform and reference system count, and 16 x 16 pixels at 8 x 8
    places, at full resolution. So a huge scene costs no more than a small one, and compressing
    it anew or adding overviews changes nothing. Pixels changed between the windows go unnoticed.

    Returns:
        Hexadecimal digits.

    Raises:
        SceneError: the file is missing, damaged or no raster.
    """
    with open_raster(path) as dataset:
        place = [f"{value:.12g}" for value in dataset.transform[:6]]
        facts = (dataset.shape, dataset.dtypes, dataset.nodata, place, name_crs(dataset.crs))
        digest = hashlib.sha256(repr(facts).encode())
        with read_strictly(), _report_damage(path):
            for row in _spread(dataset.height):
                for col in _spread(dataset.width):
                    height = min(SIDE, dataset.height - row)
                    window = Window(row, col, height, min(SIDE, dataset.width - col))
                    digest.update(dataset.read(window=to_rasterio(window)).tobytes())
    return digest.hexdigest()


@contextmanager
def _report_damage(path: Path | str) -> Iterator[None]:
    from rasterio.errors import RasterioError

    try:
        yield
    except (RasterioError, OSError) as error:
        raise SceneError(
            f"the scene '{path}' cannot be read: {tell_cause(error)}",
            "the file is truncated or damaged",
            "copy or download it again",
        ) from error


def _spread(length: int) -> list[int]:
    """Where the windows begin along an axis."""
    last = max(0, length - SIDE)
    return sorted(set(np.linspace(0, last, PLACES).astype(int).tolist()))
