"""In-memory scenes, written to disk so that they are mapped like files."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np
import numpy.typing as npt
from affine import Affine

from fewscape.core import ConfigError, SceneError
from fewscape.raster.writing.staging import report_write_errors

if TYPE_CHECKING:
    import xarray

Place: TypeAlias = Affine | Sequence[float]
"""From column and row to x and y: an ``Affine``, or its first six numbers."""

SceneInput: TypeAlias = Union[str, Path, npt.NDArray[Any], "xarray.DataArray"]
"""Path or address of a raster, an array (C, H, W) or (H, W), or a DataArray of that shape."""

UNSUITED = {"bool": "uint8", "float16": "float32", "int64": "int32", "uint64": "uint32"}
"""Types that some GDAL builds cannot write, and their replacement if the values fit."""

REGULAR = 1e-3
"""Tolerance of evenly spaced coordinates, in pixels."""


@dataclass(frozen=True, slots=True)
class ArrayScene:
    """A raster in memory."""

    values: npt.NDArray[Any]
    """(C, H, W)."""
    transform: Affine | None = None
    """None if coordinates are columns and rows."""
    crs: Any = None
    """Any CRS that rasterio accepts, or None."""
    nodata: float | None = None
    band_names: Sequence[str] = field(default_factory=tuple)
    """One per band, or empty."""

    def write(self, path: Path) -> Path:
        """Write an uncompressed GeoTIFF.

        Raises:
            OutputError: the folder cannot be written, or the disk is full.
        """
        import rasterio
        from rasterio.errors import NotGeoreferencedWarning

        count, height, width = self.values.shape
        with report_write_errors(path), warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(
                path,
                "w",
                driver="GTiff",
                count=count,
                height=height,
                width=width,
                dtype=self.values.dtype,
                crs=self.crs,
                transform=self.transform,
                nodata=self.nodata,
                tiled=width >= 256 and height >= 256,
                BIGTIFF="IF_SAFER",
            ) as target:
                target.write(self.values)
                for number, name in enumerate(self.band_names, start=1):
                    target.set_band_description(number, name)
        return path


def is_in_memory(scene: object) -> bool:
    """Whether a scene is an array rather than a file."""
    return isinstance(scene, np.ndarray) or is_data_array(scene)


def is_data_array(scene: object) -> bool:
    """Whether a scene is an ``xarray.DataArray``, without importing xarray."""
    xarray = sys.modules.get("xarray")
    return xarray is not None and isinstance(scene, xarray.DataArray)


def read_array(
    scene: Any,  # noqa: ANN401 (an array of numpy or xarray)
    crs: Any = None,  # noqa: ANN401 (what rasterio takes)
    transform: Place | None = None,
) -> ArrayScene:
    """Read an array with its georeference.

    Args:
        scene: array (C, H, W) or (H, W), or a DataArray with rows and columns last or named ``y``
            and ``x``. Its coordinates and ``spatial_ref`` (as in rioxarray) give its georeference.
        crs: CRS of the array, if it has none of its own.
        transform: transform of the array, if it has none of its own.

    Raises:
        SceneError: the array has a wrong number of dimensions, holds no numbers, or its coordinates
            are not evenly spaced.
    """
    names: Sequence[str] = ()
    nodata = None
    values = scene
    if is_data_array(scene):
        scene = _order_dimensions(scene)
        values, names = np.asarray(scene.values), _name_bands(scene)
        crs = crs if crs is not None else _find_crs(scene)
        transform = transform if transform is not None else _find_transform(scene)
        nodata = scene.encoding.get("_FillValue", scene.attrs.get("_FillValue"))
        nodata = None if nodata is None else float(nodata)
    if values.ndim == 2:
        values = values[None]
    if values.ndim != 3 or not values.size:
        raise SceneError(
            f"the array has the shape {values.shape}",
            "expected bands, rows and columns, or rows and columns",
            "move the axis of the bands to the front: np.moveaxis(image, -1, 0)",
        )
    place = None if transform is None else Affine(*tuple(transform)[:6])
    return ArrayScene(_suit(values), place, crs, nodata, names)


def _suit(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Convert to a type that GDAL writes."""
    if values.dtype.kind not in "biuf":
        raise SceneError(
            f"the array holds {values.dtype}", "expected numbers", "convert it with astype"
        )
    wanted = UNSUITED.get(values.dtype.name)
    if wanted is None:
        return values
    converted = values.astype(wanted)
    if values.dtype.kind in "iu" and not np.array_equal(converted, values):
        raise SceneError(
            f"the array holds {values.dtype} beyond the range of {wanted}",
            "expected values that a raster can hold",
            "scale them, or convert the array with astype",
        )
    return converted


def _order_dimensions(scene: Any) -> Any:  # noqa: ANN401 (a DataArray)
    """Move the dimensions named ``y`` and ``x`` last."""
    for rows, cols in (("y", "x"), ("latitude", "longitude"), ("lat", "lon")):
        if rows in scene.dims and cols in scene.dims:
            return scene.transpose(..., rows, cols)
    return scene


def _name_bands(scene: Any) -> Sequence[str]:  # noqa: ANN401 (a DataArray)
    """Band names from text coordinates of the first dimension, or from ``long_name``."""
    if scene.ndim == 3:
        coordinate = scene.coords.get(scene.dims[0])
        if coordinate is not None and coordinate.dtype.kind in "OUT":
            return [str(name) for name in coordinate.values]
    names = scene.attrs.get("long_name")
    is_whole = isinstance(names, list | tuple) and len(names) == scene.shape[0]
    return [str(name) for name in names] if is_whole and names else ()


def _find_crs(scene: Any) -> Any:  # noqa: ANN401 (a DataArray)
    """Read the CRS by the CF conventions, as rioxarray and GDAL write it."""
    mapping = scene.encoding.get("grid_mapping", scene.attrs.get("grid_mapping", "spatial_ref"))
    told = scene.coords[mapping].attrs if mapping in scene.coords else {}
    return told.get("crs_wkt") or told.get("spatial_ref") or scene.attrs.get("crs")


def _find_transform(scene: Any) -> Affine | None:  # noqa: ANN401 (a DataArray)
    """Derive the transform from the coordinates of pixel centres."""
    rows, cols = scene.dims[-2:]
    if rows not in scene.coords or cols not in scene.coords:
        return _read_geo_transform(scene)
    y, x = (np.asarray(scene.coords[name].values, np.float64) for name in (rows, cols))
    if len(y) < 2 or len(x) < 2:
        return _read_geo_transform(scene)
    down, across = (y[-1] - y[0]) / (len(y) - 1), (x[-1] - x[0]) / (len(x) - 1)
    for values, step, name in ((y, down, rows), (x, across, cols)):
        if step == 0 or np.abs(np.diff(values) / step - 1).max() > REGULAR:
            raise SceneError(
                f"the coordinates '{name}' are not evenly spaced",
                "expected the regular grid of a raster",
                "resample it to a regular grid, for instance with rio.reproject",
            )
    return Affine(across, 0, x[0] - across / 2, 0, down, y[0] - down / 2)


def _read_geo_transform(scene: Any) -> Affine | None:  # noqa: ANN401 (a DataArray)
    """Read the transform that rioxarray stores with the CRS."""
    told = scene.coords["spatial_ref"].attrs if "spatial_ref" in scene.coords else {}
    numbers = [float(number) for number in str(told.get("GeoTransform", "")).split()]
    if not numbers:
        return None
    if len(numbers) != 6:
        raise ConfigError("the GeoTransform of 'spatial_ref' has not six numbers")
    return Affine.from_gdal(*numbers)
