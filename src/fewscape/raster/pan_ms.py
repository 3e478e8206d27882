"""A panchromatic and a multispectral raster of one place, on one grid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from fewscape.core import SceneError, Window
from fewscape.raster.gdal import open_raster, read_strictly, tell_cause, to_rasterio
from fewscape.raster.georeference import Georeference, name_crs
from fewscape.raster.pan_ms_pair import RATIOS, PanMsPair, Valid, check_sizes

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

NUM_BANDS = 4
"""Blue, green, red and near infrared."""
MAX_OFFSET = 0.5
"""Panchromatic pixels by which the corners of the two may differ."""
SIZE_TOLERANCE = 0.01
"""Relative, of the ratio of the pixel sizes."""


class PanMsReader:
    """Windows of two rasters that show the same ground.

    A multispectral pixel is valid where all its bands are, and all panchromatic pixels in it.

    Args:
        pan: raster of one band.
        ms: raster with the bands.
        bands: numbers from 1 of blue, green, red and near infrared.
        ratio: for rasters without georeference; found from the pixel sizes otherwise.
        nodata: value of pixels without data, where the files do not say it.

    Raises:
        SceneError: a file is missing or has other bands; reference systems, corners or sizes do
            not fit together.
    """

    def __init__(
        self,
        pan: Path | str,
        ms: Path | str,
        bands: Sequence[int] = (1, 2, 3, 4),
        ratio: int | None = None,
        nodata: float | None = None,
    ) -> None:
        self.nodata = nodata
        self.pan_path, self.ms_path = Path(pan), Path(ms)
        self.bands = tuple(bands)
        self._pan, self._ms = open_raster(self.pan_path), open_raster(self.ms_path)
        self._check_bands()
        self.pan_grid, self.grid = (_grid(dataset) for dataset in (self._pan, self._ms))
        self.ratio = self._find_ratio(ratio)
        pan_size, size = ((g.height, g.width) for g in (self.pan_grid, self.grid))
        check_sizes(pan_size, size, self.ratio)
        self._check_place()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close both files."""
        self._pan.close()
        self._ms.close()

    def read(self, window: Window | None = None) -> tuple[PanMsPair, Valid]:
        """A window on the multispectral grid, or everything.

        Args:
            window: inside the scene.

        Returns:
            The pair in the files' types, and validity (h, w).

        Raises:
            SceneError: a file is damaged there.
        """
        from rasterio.errors import RasterioError

        own = window or Window(0, 0, self.grid.height, self.grid.width)
        fine = Window(*(self.ratio * side for side in own))
        try:
            with read_strictly():
                ms = self._ms.read(list(self.bands), window=to_rasterio(own))
                ms_valid = self._ms.read_masks(list(self.bands), window=to_rasterio(own))
                pan = self._pan.read(1, window=to_rasterio(fine))
                pan_valid = self._pan.read_masks(1, window=to_rasterio(fine))
        except (RasterioError, OSError) as error:
            raise SceneError(
                f"'{self.pan_path}' or '{self.ms_path}' cannot be read: {tell_cause(error)}",
                "a file is truncated or damaged",
                "copy or download it again",
            ) from error
        fine_valid = (pan_valid > 0) & self._has_data(pan[None])
        blocks = fine_valid.reshape(own.height, self.ratio, own.width, self.ratio)
        valid = (ms_valid > 0).all(axis=0) & self._has_data(ms) & blocks.all(axis=(1, 3))
        return PanMsPair(ms, pan, self.ratio), valid

    def _has_data(self, bands: npt.NDArray[np.generic]) -> Valid:
        """(H, W) where all bands (C, H, W) are finite and not all of them ``nodata``."""
        whole = np.issubdtype(bands.dtype, np.integer)
        found = np.ones(bands.shape[1:], bool) if whole else np.isfinite(bands).all(axis=0)
        if self.nodata is not None:
            found &= (bands != self.nodata).any(axis=0)
        return found

    def read_overview(
        self, height: int, width: int
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """All bands (C, height, width) and the panchromatic image (height, width), resampled."""
        from rasterio.enums import Resampling

        with read_strictly():
            ms, pan = (
                dataset.read(list(bands), out_shape=(height, width), resampling=Resampling.average)
                for dataset, bands in ((self._ms, self.bands), (self._pan, (1,)))
            )
        return ms.astype(np.float32), pan[0].astype(np.float32)

    @property
    def name(self) -> str:
        """For messages."""
        return f"'{self.pan_path}' and '{self.ms_path}'"

    @property
    def num_bands(self) -> int:
        """Of the bands chosen."""
        return len(self.bands)

    @property
    def path(self) -> Path:
        """The raster whose grid examples are drawn on and results are named after."""
        return self.ms_path

    def _check_bands(self) -> None:
        if self._pan.count != 1:
            hint = "the two seem to be swapped" if self._ms.count == 1 else "give the one band"
            raise SceneError(
                f"the panchromatic raster '{self.pan_path}' has {self._pan.count} bands",
                "expected one",
                hint,
            )
        missing = [band for band in self.bands if not 1 <= band <= self._ms.count]
        if len(self.bands) != NUM_BANDS or missing:
            raise SceneError(
                f"the multispectral raster '{self.ms_path}' has {self._ms.count} bands, "
                f"{','.join(map(str, self.bands))} were chosen",
                "expected four: blue, green, red and near infrared",
                "choose them with --ms_bands, such as 2,3,5,7 for WorldView-2",
            )

    def _find_ratio(self, given: int | None) -> int:
        if self.grid.is_pixel_grid and self.pan_grid.is_pixel_grid:
            return given or max(1, round(self.pan_grid.height / self.grid.height))
        if name_crs(self.grid.crs) != name_crs(self.pan_grid.crs):
            raise SceneError(
                f"'{self.pan_path}' lies in {name_crs(self.pan_grid.crs)}",
                f"'{self.ms_path}' lies in {name_crs(self.grid.crs)}",
                "bring both into one reference system, for instance with 'rio warp'",
            )
        sizes = [abs(g.transform.a) + abs(g.transform.b) for g in (self.grid, self.pan_grid)]
        exact = float(sizes[0] / sizes[1])
        ratio = round(exact)
        if ratio not in RATIOS or abs(exact / ratio - 1) > SIZE_TOLERANCE:
            raise SceneError(
                f"a multispectral pixel is {exact:.3g} panchromatic ones wide",
                f"expected a ratio of {' or '.join(map(str, RATIOS))}",
                "the two seem to be swapped" if exact < 1 else "resample one of them",
            )
        return ratio

    def _check_place(self) -> None:
        corner = self.grid.to_ground(np.zeros((1, 2)))
        offset = np.abs(self.pan_grid.to_pixels(corner)[0])
        if (offset > MAX_OFFSET).any() and not self.grid.is_pixel_grid:
            raise SceneError(
                f"the corners of '{self.pan_path}' and '{self.ms_path}' lie "
                f"{offset.max():.2f} panchromatic pixels apart",
                f"expected at most {MAX_OFFSET}",
                "cut or warp both to the same ground",
            )


def _grid(dataset: DatasetReader) -> Georeference:
    return Georeference(dataset.height, dataset.width, dataset.transform, dataset.crs or None)
