"""A panchromatic and multispectral pair as one scene with the bands of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fewscape.core import Window
from fewscape.raster.opening.handles import Masks, Values
from fewscape.raster.opening.remote import Retry
from fewscape.raster.opening.sources import Source
from fewscape.raster.pan_ms.grid import PanMsReader
from fewscape.raster.pan_ms.pair import Valid
from fewscape.raster.reading.masked import MaskedBands
from fewscape.raster.reading.reader import Scale, SceneReader

COLOURS = ("blue", "green", "red", "near infrared")
"""Names of the chosen multispectral bands."""

Pixels = npt.NDArray[np.float32]


class PanMsScene(SceneReader):
    """A pair as a scene on the panchromatic grid, with interpolated multispectral bands.

    Red, green and blue come first, then the other multispectral bands, then the panchromatic one,
    numbered after the last multispectral band. All are scaled by percentiles. ``own_grid`` is the
    multispectral grid, the pixel grid of examples without a georeference.

    Args:
        pan: see ``PanMsReader``.
        ms: see ``PanMsReader``; results are named after it.
        ms_bands: band numbers from 1 of blue, green, red and, if present, near infrared.
        nodata: nodata value, if the files do not set one.
        retry: retry policy of network reads.

    Raises:
        SceneError: see ``PanMsReader``.
    """

    def __init__(
        self,
        pan: Source | Path | str,
        ms: Source | Path | str,
        ms_bands: Sequence[int] = (1, 2, 3, 4),
        nodata: float | None = None,
        retry: Retry | None = None,
    ) -> None:
        pair = PanMsReader(pan, ms, ms_bands, nodata=nodata, retry=retry, has_others=True)
        self.source = pair.ms_source
        self.scale = Scale.PERCENTILE
        self.retry = pair.retry
        self.pan_source = pair.pan_source
        self._raster = PanMsBands(pair, len(ms_bands))

    @property
    def rasters(self) -> Mapping[str, Source]:
        """The rasters by their tag in a map."""
        return {"MS": self.source, "PAN": self.pan_source}


class PanMsBands(MaskedBands):
    """The bands of both rasters on the panchromatic grid.

    Args:
        pair: the rasters.
        num_colours: number of its bands with a colour.
    """

    def __init__(self, pair: PanMsReader, num_colours: int) -> None:
        self._pair = pair
        self.source, self.nodata = pair.ms_source, pair.nodata
        self.grid, self.own_grid = pair.pan_grid, pair.grid
        self._order = [2, 1, 0, *range(3, len(pair.bands))]
        colours = (*COLOURS[:num_colours], *[""] * (len(pair.bands) - num_colours))
        own = [(pair.bands[place], colours[place]) for place in self._order]
        self.numbers = (*(number for number, _ in own), max(pair.bands) + 1)
        self.names = (*(f"band {number} {name}".strip() for number, name in own), "panchromatic")
        self.dtype = np.dtype(np.float32)
        self.is_all_valid = False
        self.largest = 1.0

    def close(self) -> None:
        """Close both files."""
        self._pair.close()

    def _read_window(self, window: Window) -> tuple[Values, Masks]:
        ratio, grid = self._pair.ratio, self.own_grid
        # Interpolation needs one more multispectral pixel on each side.
        top, left = (max(0, begin // ratio - 1) for begin in window[:2])
        bottom = min(grid.height, -(-(window.row + window.height) // ratio) + 1)
        right = min(grid.width, -(-(window.col + window.width) // ratio) + 1)
        pair, valid = self._pair.read(Window(top, left, bottom - top, right - left))
        inside = Window(window.row - ratio * top, window.col - ratio * left, *window[2:])
        ms, seen = enlarge(pair.ms[self._order], valid, ratio, inside)
        return self._join(ms, pair.pan[inside.slices], seen)

    def _read_reduced(self, longest: int, is_smooth: bool) -> tuple[Values, Masks]:
        ms, pan, valid = self._pair.read_overview(longest, is_smooth)
        return self._join(ms[self._order], pan, valid)

    def _join(
        self, ms: npt.NDArray[np.generic], pan: npt.NDArray[np.generic], valid: Valid
    ) -> tuple[Values, Masks]:
        values = np.concatenate([ms, pan[None]], dtype=np.float32, casting="unsafe")
        return values, np.broadcast_to(valid.astype(np.uint8), values.shape)


def enlarge(
    image: npt.NDArray[np.generic], valid: Valid, ratio: int, window: Window
) -> tuple[Pixels, Valid]:
    """Upsample a window bilinearly; invalid pixels do not affect their neighbours.

    Args:
        image: (C, h, w).
        valid: (h, w).
        ratio: fine pixels per coarse one and axis.
        window: window in fine pixels, inside the image.

    Returns:
        (C, H, W), 0 where nothing is valid, and the validity (H, W) of the coarse pixels.

    Examples:
        >>> image, valid = np.array([[[0.0, 8.0]]]), np.ones((1, 2), bool)
        >>> enlarge(image, valid, 2, Window(0, 0, 1, 4))[0].tolist()
        [[[0.0, 2.0, 6.0, 8.0]]]
    """
    known = np.where(valid, image, 0).astype(np.float32)
    weighted: Pixels = np.concatenate([known, valid[None].astype(np.float32)])
    for axis in (1, 2):
        places = np.arange(window[axis - 1], window[axis - 1] + window[axis + 1])
        weighted = _interpolate(weighted, (places + 0.5) / ratio - 0.5, axis)
    whole = valid.repeat(ratio, axis=0).repeat(ratio, axis=1)[window.slices]
    weighted[-1, ~whole] = 1
    enlarged: Pixels = weighted[:-1] / weighted[-1]
    enlarged[:, ~whole] = 0
    return enlarged, whole


def _interpolate(image: Pixels, places: npt.NDArray[np.float64], axis: int) -> Pixels:
    """Interpolate along an axis; the edge value continues beyond the ends."""
    inside = places.clip(0, image.shape[axis] - 1)
    lower = inside.astype(int)
    upper = np.minimum(lower + 1, image.shape[axis] - 1)
    shape = [1, 1, 1]
    shape[axis] = -1
    share = (inside - lower).astype(np.float32).reshape(shape)
    between: Pixels = image.take(lower, axis) * (np.float32(1) - share)
    between += image.take(upper, axis) * share
    return between
