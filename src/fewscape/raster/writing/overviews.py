"""Reduced copies inside a raster, and cloud optimized GeoTIFFs, in bounded memory.

With them a map opens at once at any zoom, from a disk or over the network.
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
"""What a pixel of a reduced copy is made of: the most frequent value of those that it replaces,
for classes, or their mean, for numbers. Pixels without data have no say."""

SMALLEST = 512
"""Halving ends when both sides are shorter than this."""

COG_BLOCK = 512
"""Side of the blocks of cloud optimized files."""


def choose_factors(height: int, width: int) -> list[int]:
    """Powers of two by which a raster is reduced, until both sides are shorter than 512.

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
    """Put reduced copies into a GeoTIFF.

    Args:
        path: the file, changed in place.
        reduction: how values are put together.

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
    """Turn a GeoTIFF into a cloud optimized one; what it says of itself stays as it is.

    GDAL copies it: reduced copies come first in the file, then the blocks, all with an index at
    the beginning.

    Args:
        path: the file; replaced when the new one is complete.
        reduction: how values are put together in the reduced copies.

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
    """Errors told as ours, and a cache of blocks that does not grow with the machine."""
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
