"""Small rasters that the tests write themselves."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.errors import NotGeoreferencedWarning

UTM = "EPSG:32631"
PLACE = Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000)


def write_raster(path: Path, data: np.ndarray, **profile: Any) -> Path:
    """Write (C, H, W) data; georeferenced in UTM unless told otherwise."""
    driver = {".png": "PNG", ".jpg": "JPEG"}.get(path.suffix, "GTiff")
    place = {"crs": UTM, "transform": PLACE} if driver == "GTiff" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            path,
            "w",
            driver=driver,
            count=len(data),
            height=data.shape[1],
            width=data.shape[2],
            dtype=data.dtype,
            **(place | profile),
        ) as target:
            target.write(data)
    return path


def ramp(height: int, width: int, bands: int = 3, dtype: str = "uint8") -> np.ndarray:
    """Distinct, smooth values in every pixel and band."""
    rows, cols = np.mgrid[0:height, 0:width]
    return np.stack([(rows * 3 + cols + 40 * band) % 251 for band in range(bands)]).astype(dtype)


def cut_in_half(path: Path) -> Path:
    """Take away the second half of a file, as a broken transfer does."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def noise(height: int, width: int, bands: int = 3) -> np.ndarray:
    """Values that no compression shortens."""
    return np.random.default_rng(0).integers(0, 255, (bands, height, width), dtype=np.uint8)
