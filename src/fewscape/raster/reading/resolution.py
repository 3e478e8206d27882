"""Pixel sizes in metres on the ground, and resampling to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from affine import Affine

from fewscape.core import ConfigError, SceneError
from fewscape.raster.georeference import Georeference

if TYPE_CHECKING:
    from rasterio.io import DatasetReader
    from rasterio.vrt import WarpedVRT

SAME = 0.02
"""Relative difference of pixel sizes that is ignored."""

NOMINAL = 0.01
"""Relative difference up to which a projection's metres are used as metres on the ground."""


def measure_pixel(grid: Georeference) -> tuple[float, float] | None:
    """Measure width and height of the centre pixel, in metres on the ground.

    Projected metres that are true to 1 %, as in UTM, are used as they are; degrees, feet and the
    stretched metres of Web Mercator are converted.

    Args:
        grid: georeference of the raster.

    Returns:
        Metres between columns and between rows; None if unknown, because the CRS is missing or
        local.
    """
    plane = grid.find_plane()
    if grid.crs is None or plane is None:
        return None
    centre = np.array([grid.width / 2, grid.height / 2])
    points = grid.to_ground(centre + np.array([(0, 0), (1, 0), (0, 1)]))
    steps = np.diff(plane(points)[[1, 0, 2]], axis=0)
    true = np.hypot(*steps.T)
    if not np.isfinite(true).all() or not (true > 0).all():
        return None
    if grid.crs.is_projected:
        step = np.hypot(*np.diff(points[[1, 0, 2]], axis=0).T)
        nominal = step * grid.crs.linear_units_factor[1]
        if np.abs(true / nominal - 1).max() < NOMINAL:
            true = nominal
    return float(true[0]), float(true[1])


def mean_pixel(grid: Georeference) -> float | None:
    """Side in metres of a square with the area of the centre pixel, or None if unknown."""
    sides = measure_pixel(grid)
    return None if sides is None else float(np.sqrt(sides[0] * sides[1]))


def plan_grid(grid: Georeference, resolution: float, scene: str) -> Georeference:
    """Plan a grid over the same ground with square pixels of a given size.

    The corners stay, so the size is exact up to half a pixel over the whole width and height. A
    raster with this pixel size up to 2 % keeps its grid.

    Args:
        grid: georeference of the raster.
        resolution: pixel size, metres.
        scene: name of the raster in messages.

    Raises:
        ConfigError: the resolution is not positive.
        SceneError: the pixel size on the ground is unknown.
    """
    if not resolution > 0:
        raise ConfigError(
            f"a resolution of {resolution} m was given", "expected metres above 0", "use 0.5"
        )
    if grid.control is not None:
        raise SceneError(
            f"the scene '{scene}' is placed by {grid.control.words}",
            "--resolution needs a rectified raster",
            "rectify it first ('gdalwarp scene.tif rectified.tif'), or leave out --resolution",
        )
    sides = measure_pixel(grid)
    if sides is None:
        lacks = "no coordinate reference system" if grid.crs is None else f"'{grid.crs_name}'"
        raise SceneError(
            f"the scene '{scene}' has {lacks}, so its pixels have no size in metres",
            "--resolution needs a CRS on the earth",
            "assign one, for example with 'rio edit-info --crs', or leave out --resolution",
        )
    factors = [resolution / side for side in sides]
    if all(abs(factor - 1) <= SAME for factor in factors):
        return grid
    width, height = (
        max(1, round(length / factor))
        for length, factor in zip((grid.width, grid.height), factors, strict=True)
    )
    across, down = grid.width / width, grid.height / height
    a, b, c, d, e, f = tuple(grid.transform)[:6]
    transform = Affine(a * across, b * down, c, d * across, e * down, f)
    return Georeference(height, width, transform, grid.crs)


def resample(dataset: DatasetReader, grid: Georeference, nodata: float | None = None) -> WarpedVRT:
    """View a raster on another grid over the same ground.

    Coarser grids average, finer ones interpolate bilinearly. Both ignore nodata pixels, and a pixel
    is nodata only if all its bands are.

    Args:
        dataset: the open raster.
        grid: see ``plan_grid``.
        nodata: nodata value, if the file does not set one.
    """
    from rasterio.enums import MaskFlags, Resampling
    from rasterio.vrt import WarpedVRT

    is_coarser = grid.width <= dataset.width and grid.height <= dataset.height
    empty = dataset.nodata if nodata is None else nodata
    if empty is None and np.dtype(dataset.dtypes[0]).kind == "f":
        empty = np.nan
    flags = dataset.mask_flag_enums[0]
    has_alpha = MaskFlags.alpha in flags
    by_value = not has_alpha and (nodata is not None or MaskFlags.per_dataset not in flags)
    values = {"src_nodata": empty, "nodata": empty} if by_value and empty is not None else {}
    return WarpedVRT(
        dataset,
        crs=dataset.crs,
        transform=grid.transform,
        width=grid.width,
        height=grid.height,
        resampling=Resampling.average if is_coarser else Resampling.bilinear,
        add_alpha=not values and not has_alpha,
        warp_extras={"UNIFIED_SRC_NODATA": "YES"},
        **values,
    )
