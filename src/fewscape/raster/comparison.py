"""Compare the pixels of two rasters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fewscape.core import SceneError
from fewscape.raster.gdal import open_raster, to_rasterio
from fewscape.raster.grid import STRIP_PIXELS, plan_strips


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference between the first bands of two rasters."""

    pixels: int
    """Pixels of each raster."""
    differing: int
    """Pixels that differ."""
    largest: int
    """Largest difference between two valid values."""


def compare_rasters(first: Path, second: Path, strip_pixels: int = STRIP_PIXELS) -> Difference:
    """Compare the stored values of two rasters of the same size, strip by strip.

    Compression and other content of the files are ignored.

    Raises:
        SceneError: a file is missing or not a raster, or the sizes differ.
    """
    with open_raster(first) as one, open_raster(second) as other:
        if one.shape != other.shape:
            raise SceneError(
                f"'{first}' has {one.height} x {one.width} pixels, "
                f"'{second}' has {other.height} x {other.width}",
                "only rasters of the same size can be compared",
                "compare maps of the same scene",
            )
        differing = largest = 0
        for strip in plan_strips(one.height, one.width, strip_pixels):
            window = to_rasterio(strip)
            values, others = one.read(1, window=window), other.read(1, window=window)
            differs = values != others
            differing += int(np.count_nonzero(differs))
            both = differs & (values != one.nodata) & (others != other.nodata)
            gaps = np.abs(values[both].astype(np.int64) - others[both])
            largest = max(largest, int(gaps.max(initial=0)))
        return Difference(one.height * one.width, differing, largest)
