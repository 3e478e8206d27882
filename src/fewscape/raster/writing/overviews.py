"""Add overviews to rasters and make cloud optimized GeoTIFFs, in bounded memory.

With overviews, a map opens instantly at any zoom, from a disk or over the network.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from fewscape.raster.gdal import limit_cache, read_back, update_raster
from fewscape.raster.writing.staging import report_write_errors
from fewscape.raster.writing.writer import BLOCK

Reduction = Literal["mode", "average"]
"""How an overview pixel combines the pixels that it replaces: the most frequent value for classes,
the mean for numbers. Nodata pixels are ignored."""

SMALLEST = 512
"""Halving ends when both sides are shorter than this."""

COG_BLOCK = 512
"""Side of the blocks of cloud optimized files."""


def choose_factors(height: int, width: int) -> list[int]:
    """Choose the overview factors: powers of two until both sides are shorter than 512.

    Examples:
        >>> choose_factors(3000, 1000)
        [2, 4, 8]
        >>> choose_factors(500, 500)
        []
    """
    factors = []
    factor = 1
    while max(height, width) / factor >= SMALLEST:
        factor *= 2
        factors.append(factor)
    return factors


def add_overviews(path: Path, reduction: Reduction) -> None:
    """Add overviews to a GeoTIFF.

    Args:
        path: the file, changed in place.
        reduction: how values are combined.

    Raises:
        OutputError: the disk is full, or the file cannot be written.
    """
    from rasterio.enums import Resampling

    with _write(path):
        with update_raster(path) as dataset:
            factors = choose_factors(dataset.height, dataset.width)
            if factors:
                dataset.build_overviews(factors, Resampling[reduction])
        for level in range(len(factors)):
            read_back(path, level)


def make_cog(path: Path, reduction: Reduction) -> None:
    """Turn a GeoTIFF into a cloud optimized one with the same metadata.

    GDAL copies it: overviews come first in the file, then the blocks, with an index at the
    beginning.

    Args:
        path: the file; replaced when the new one is complete.
        reduction: how values are combined in the overviews.

    Raises:
        OutputError: the disk is full, or the file cannot be written.
    """
    from rasterio.shutil import copy

    target = path.with_name(f"{path.stem}.cog{path.suffix}")
    with _write(path):
        copy(
            path,
            target,
            driver="COG",
            compress="deflate",
            blocksize=COG_BLOCK,
            overview_resampling=reduction,
            overview_compress="deflate",
            bigtiff="if_safer",
        )
        read_back(target)
        target.replace(path)


@contextmanager
def _write(path: Path) -> Iterator[None]:
    """Write with a fixed block cache, and raise our own errors."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    options = {
        "GDAL_TIFF_OVR_BLOCKSIZE": BLOCK,
        "COMPRESS_OVERVIEW": "DEFLATE",
        "BIGTIFF_OVERVIEW": "IF_SAFER",
    }
    with (
        report_write_errors(path),
        limit_cache(),
        rasterio.Env(**options),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield
