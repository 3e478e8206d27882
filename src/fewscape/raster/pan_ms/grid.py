"""``PanMsReader``: a panchromatic and a multispectral raster on one grid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fewscape.core import Closing, SceneError, Window
from fewscape.raster.georeference import Georeference, is_same_place, name_crs
from fewscape.raster.opening.handles import Handles, shrink_size
from fewscape.raster.opening.remote import Retry
from fewscape.raster.opening.sources import Source, to_source
from fewscape.raster.pan_ms.pair import RATIOS, PanMsPair, Valid, check_sizes
from fewscape.raster.reading.bands import find_bands
from fewscape.raster.reading.scaling import find_data

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

NUM_BANDS = 4
"""Blue, green, red and near infrared."""
MAX_OFFSET = 0.5
"""Tolerated distance of the corners, panchromatic pixels."""
SIZE_TOLERANCE = 0.01
"""Relative tolerance of the ratio of pixel sizes."""


class PanMsReader(Closing):
    """Windows of two rasters that show the same ground.

    A multispectral pixel is valid if all its bands and all its panchromatic pixels are.

    Args:
        pan: raster of one band: a path, or an address on the network.
        ms: raster with the bands.
        bands: band numbers from 1 of blue, green, red and near infrared.
        ratio: ratio for rasters without a georeference; otherwise it follows from the pixel sizes.
        nodata: nodata value, if the files do not set one.
        retry: retry policy of network reads.
        has_others: whether to read all other bands except alpha after the chosen ones; near
            infrared may then be missing.

    Raises:
        SceneError: a file is missing, unreachable or has wrong bands; or the CRS, corners or sizes
            do not match.
    """

    def __init__(
        self,
        pan: Source | Path | str,
        ms: Source | Path | str,
        bands: Sequence[int] = (1, 2, 3, 4),
        ratio: int | None = None,
        nodata: float | None = None,
        retry: Retry | None = None,
        has_others: bool = False,
    ) -> None:
        self.nodata = nodata
        self.retry = retry or Retry()
        self.pan_source, self.ms_source = to_source(pan), to_source(ms)
        self.bands = tuple(bands)
        self._pan, self._ms = (
            Handles(source, self.retry) for source in (self.pan_source, self.ms_source)
        )
        pan_bands, ms_bands = (
            handles.use("opening", _count_bands) for handles in (self._pan, self._ms)
        )
        self._check_bands(pan_bands, ms_bands, (3, NUM_BANDS) if has_others else (NUM_BANDS,))
        if has_others:
            self.bands += self._ms.use("opening", self._list_others)
        self.pan_grid, self.grid = (
            handles.use("opening", Georeference.of) for handles in (self._pan, self._ms)
        )
        self.ratio = self._find_ratio(ratio)
        pan_size, size = ((g.height, g.width) for g in (self.pan_grid, self.grid))
        check_sizes(pan_size, size, self.ratio)
        self._check_place()

    def close(self) -> None:
        """Close both files."""
        self._pan.close()
        self._ms.close()

    def read(self, window: Window | None = None) -> tuple[PanMsPair, Valid]:
        """Read a window on the multispectral grid, or everything.

        Args:
            window: inside the scene.

        Returns:
            The pair in the files' types, and validity (h, w).

        Raises:
            SceneError: a file is damaged there.
        """
        own = window or Window(0, 0, self.grid.height, self.grid.width)
        fine = Window(*(self.ratio * side for side in own))
        ms, ms_valid = self._ms.read(self.bands, own)
        pan, pan_valid = (part[0] for part in self._pan.read((1,), fine))
        fine_valid = (pan_valid > 0) & find_data(pan[None], self.nodata)
        blocks = fine_valid.reshape(own.height, self.ratio, own.width, self.ratio)
        valid = (ms_valid > 0).all(axis=0) & find_data(ms, self.nodata) & blocks.all(axis=(1, 3))
        return PanMsPair(ms, pan, self.ratio), valid

    def read_overview(
        self, longest: int, is_smooth: bool = True
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], Valid]:
        """Read everything, downsampled to at most ``longest`` pixels per side.

        Args:
            longest: see above.
            is_smooth: whether to average instead of picking pixels.

        Returns:
            Bands (C, h, w), panchromatic image (h, w) and validity (h, w).
        """
        size = shrink_size(self.pan_grid.height, self.pan_grid.width, longest)
        ms, ms_masks = self._ms.read_reduced(self.bands, size, is_smooth)
        pan, pan_masks = self._pan.read_reduced((1,), size, is_smooth)
        valid = (ms_masks > 0).all(axis=0) & (pan_masks[0] > 0)
        valid &= find_data(ms, self.nodata) & find_data(pan, self.nodata)
        return ms.astype(np.float32), pan[0].astype(np.float32), valid

    @property
    def name(self) -> str:
        """Name for messages."""
        return f"'{self.pan_source}' and '{self.ms_source}'"

    @property
    def num_bands(self) -> int:
        """Number of chosen bands."""
        return len(self.bands)

    @property
    def path(self) -> Path:
        """The raster whose grid the examples are drawn on and that results are named after."""
        return self.ms_source.path

    def _list_others(self, dataset: DatasetReader) -> tuple[int, ...]:
        """Bands that were not chosen."""
        every = find_bands(dataset, None, str(self.ms_source))
        return tuple(band for band in every if band not in self.bands)

    def _check_bands(self, pan: int, ms: int, allowed: Sequence[int]) -> None:
        """Check the numbers of bands."""
        if pan != 1:
            hint = "the two rasters seem to be swapped" if ms == 1 else "use its one band"
            raise SceneError(
                f"the panchromatic raster '{self.pan_source}' has {pan} bands",
                "expected one",
                hint,
            )
        missing = [band for band in self.bands if not 1 <= band <= ms]
        if len(self.bands) not in allowed or missing:
            least = "three or four" if 3 in allowed else "four"
            raise SceneError(
                f"the multispectral raster '{self.ms_source}' has {ms} bands, "
                f"{','.join(map(str, self.bands))} were chosen",
                f"expected {least}: blue, green, red and near infrared",
                "choose them with --ms_bands, such as 2,3,5,7 for WorldView-2",
            )

    def _find_ratio(self, given: int | None) -> int:
        if self.grid.is_pixel_grid and self.pan_grid.is_pixel_grid:
            return given or max(1, round(self.pan_grid.height / self.grid.height))
        for grid, source in ((self.grid, self.ms_source), (self.pan_grid, self.pan_source)):
            if grid.control is not None:
                raise SceneError(
                    f"'{source}' is placed by {grid.control.words}",
                    "the rasters of a pair must be rectified",
                    "rectify both first: gdalwarp raster.tif rectified.tif",
                )
        corners = self.grid.to_ground(
            np.array([(0, 0), (self.grid.width, self.grid.height)], float)
        )
        if not is_same_place(self.grid.crs, self.pan_grid.crs, corners):
            raise SceneError(
                f"'{self.pan_source}' lies in {name_crs(self.pan_grid.crs)}",
                f"'{self.ms_source}' lies in {name_crs(self.grid.crs)}",
                "reproject both to one CRS, for example with 'rio warp'",
            )
        sizes = [abs(g.transform.a) + abs(g.transform.b) for g in (self.grid, self.pan_grid)]
        exact = float(sizes[0] / sizes[1])
        ratio = round(exact)
        if ratio not in RATIOS or abs(exact / ratio - 1) > SIZE_TOLERANCE:
            raise SceneError(
                f"a multispectral pixel is {exact:.3g} panchromatic ones wide",
                f"expected a ratio of {' or '.join(map(str, RATIOS))}",
                "the two rasters seem to be swapped" if exact < 1 else "resample one of them",
            )
        return ratio

    def _check_place(self) -> None:
        corner = self.grid.to_ground(np.zeros((1, 2)))
        offset = np.abs(self.pan_grid.to_pixels(corner)[0])
        if (offset > MAX_OFFSET).any() and not self.grid.is_pixel_grid:
            raise SceneError(
                f"the corners of '{self.pan_source}' and '{self.ms_source}' lie "
                f"{offset.max():.2f} panchromatic pixels apart",
                f"expected at most {MAX_OFFSET}",
                "crop or warp both to the same ground",
            )


def _count_bands(dataset: DatasetReader) -> int:
    return int(dataset.count)
