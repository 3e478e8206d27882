"""Unscaled bands of a raster, with their valid pixels."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fewscape.core import SceneError, Window
from fewscape.raster.georeference import Georeference
from fewscape.raster.opening.handles import Handles, Masks, Values, shrink_size
from fewscape.raster.opening.remote import Retry
from fewscape.raster.opening.sources import Source
from fewscape.raster.reading.band_facts import (
    check_readable,
    has_colour_table,
    read_facts,
    show_colours,
)
from fewscape.raster.reading.bands import find_bands, name_bands
from fewscape.raster.reading.resolution import plan_grid, resample
from fewscape.raster.reading.scaling import find_data, is_number
from fewscape.raster.reading.statistics import BandStatistics

if TYPE_CHECKING:
    from rasterio.io import DatasetReader
    from rasterio.vrt import WarpedVRT

SAMPLE_SIDE = 1024
"""Longest side of the overview from which percentiles are taken."""

PATCHES, PATCH_SIDE = 8, 64
"""Number per side, and size in pixels, of the spots that are read where no overview of the whole
scene is needed."""

Validity = npt.NDArray[np.bool_]


class MaskedBands(ABC):
    """Bands with masks on one grid, and a sample of their values.

    Attributes:
        source: the raster that results are named after.
        nodata: given nodata value.
        grid: grid of the pixels that are read.
        own_grid: grid of the file's pixels.
        numbers: band numbers from 1.
        names: band names for messages.
        dtype: type of the values.
        is_all_valid: whether no pixel can be masked.
        largest: white level of unstretched values.
    """

    source: Source
    nodata: float | None
    grid: Georeference
    own_grid: Georeference
    numbers: tuple[int, ...]
    names: tuple[str, ...]
    dtype: np.dtype[Any]
    is_all_valid: bool
    largest: float

    @abstractmethod
    def close(self) -> None:
        """Close the handles of all threads; reading opens new ones."""

    @abstractmethod
    def _read_window(self, window: Window) -> tuple[Values, Masks]:
        """Values and masks (C, H, W)."""

    @abstractmethod
    def _read_reduced(self, longest: int, is_smooth: bool) -> tuple[Values, Masks]:
        """Values and masks (C, H, W) of the downsampled scene."""

    def read(self, window: Window) -> tuple[Values, Validity]:
        """Read unscaled values (C, H, W) and validity (H, W) of a window inside the scene.

        Raises:
            SceneError: the file is damaged there, or all network attempts failed.
        """
        values, masks = self._read_window(window)
        return self._to_real(values), self._find_valid(values, masks)

    def read_reduced(self, longest: int) -> tuple[Values, Validity]:
        """Read the whole scene, averaged to at most ``longest`` pixels per side.

        Raises:
            SceneError: see ``read``.
        """
        values, masks = self._read_reduced(longest, is_smooth=True)
        return self._to_real(values), self._find_valid(values, masks)

    def measure(self, must_see_all: bool) -> BandStatistics:
        """Measure the statistics of valid pixels.

        They come from an overview of the whole scene. Large scenes without any mask are sampled at
        spots instead, unless the overview is needed anyway, since it reads every block.

        Raises:
            SceneError: no pixel of the scene is valid.
        """
        is_large = self.grid.height * self.grid.width > SAMPLE_SIDE**2
        if is_large and self.is_all_valid and not must_see_all:
            parts = [self._read_window(spot) for spot in self._spread_spots()]
            values, masks = (np.concatenate(part, axis=2) for part in zip(*parts, strict=True))
            valid = self._find_valid(values, masks)
            has_data = np.any(self._find_data(values, masks), axis=(1, 2))
        else:
            values, valid, has_data = self._sample()
        return BandStatistics.measure(self._to_real(values)[:, valid], has_data)

    def _sample(self) -> tuple[Values, Validity, npt.NDArray[np.bool_]]:
        """Sample an overview with at least one valid pixel, or the first strip that has one.

        Returns:
            Values (C, H, W), validity (H, W), and which bands have data (C,).
        """
        height, width = self.grid.height, self.grid.width
        has_data = np.zeros(len(self.numbers), bool)
        reduced = (self._read_reduced(SAMPLE_SIDE, is_smooth=False) for _ in range(1))
        strips = (
            self._read_window(Window(row, 0, min(256, height - row), width))
            for row in range(0, height, 256)
        )
        for values, masks in itertools.chain(reduced, strips):
            valid = self._find_valid(values, masks)
            has_data |= self._find_data(values, masks).any(axis=(1, 2))
            if valid.any():
                return values, valid, has_data
        raise self._describe_empty(has_data)

    def _spread_spots(self) -> list[Window]:
        height, width = (min(PATCH_SIDE, side) for side in (self.grid.height, self.grid.width))
        rows, cols = (
            np.unique(np.linspace(0, last, PATCHES).astype(int)).tolist()
            for last in (self.grid.height - height, self.grid.width - width)
        )
        return [Window(row, col, height, width) for row, col in itertools.product(rows, cols)]

    def _to_real(self, values: Values) -> Values:
        """Convert stored values (C, H, W) to real ones."""
        return values

    def _find_data(self, data: Values, masks: Masks) -> npt.NDArray[np.bool_]:
        """Where each band has data, (C, H, W)."""
        found = (masks > 0) & is_number(data)
        if self.nodata is not None:
            found &= data != self.nodata
        return found

    def _find_valid(self, data: Values, masks: Masks) -> Validity:
        valid: Validity = np.any(masks, axis=0) & find_data(data, self.nodata)
        return valid

    def _describe_empty(self, has_data: npt.NDArray[np.bool_]) -> SceneError:
        """The error if no pixel is valid; it names the band if only one lacks data."""
        if has_data.any():
            lacking = [name for name, found in zip(self.names, has_data, strict=True) if not found]
            return SceneError(
                f"no pixel of the scene '{self.source}' is valid: "
                f"{' and '.join(lacking) or 'another band each'} has no finite value",
                "a pixel needs a finite value in every band",
                "choose other bands with --bands",
            )
        return SceneError(
            f"the scene '{self.source}' has no valid pixel",
            "its nodata value, alpha or mask band covers everything",
            "check the file, or the value of --nodata",
        )


class FileBands(MaskedBands):
    """Chosen bands of a raster, on its own grid or resampled.

    The arguments are those of ``SceneReader``.

    Raises:
        SceneError: see there.
    """

    def __init__(
        self,
        source: Source,
        bands: Sequence[int | str] | None,
        nodata: float | None,
        resolution: float | None,
        retry: Retry,
    ) -> None:
        self.source = source
        self.nodata = nodata
        self._resolution = resolution
        self._handles = Handles(source, retry, self._view)
        self._bands = bands
        self._handles.use("opening", self._describe)

    def close(self) -> None:
        """Close the handles of all threads; reading opens new ones."""
        self._handles.close()

    def read_tile(self, window: Window, size: tuple[int, int]) -> tuple[Values, Validity]:
        """Read a window inside the scene, averaged to a given size.

        Raises:
            SceneError: see ``read``.
        """
        values, masks = self._handles.read_reduced(self.numbers, size, window=window)
        return self._to_real(values), self._find_valid(values, masks)

    def _read_window(self, window: Window) -> tuple[Values, Masks]:
        return self._handles.read(self.numbers, window)

    def _read_reduced(self, longest: int, is_smooth: bool) -> tuple[Values, Masks]:
        size = shrink_size(self.grid.height, self.grid.width, longest)
        return self._handles.read_reduced(self.numbers, size, is_smooth)

    def _to_real(self, values: Values) -> Values:
        if not self._facts.is_scaled:
            return values
        scales, offsets = (own[:, None, None] for own in (self._facts.scales, self._facts.offsets))
        real: Values = values.astype(np.float32) * scales + offsets
        return real

    def _view(self, dataset: DatasetReader) -> DatasetReader | WarpedVRT:
        """View the file with its colour table applied, on the chosen grid."""
        check_readable(dataset, str(self.source))
        is_colour = self._bands is None or any(band != 1 for band in self._bands)
        if is_colour and has_colour_table(dataset):
            dataset = show_colours(dataset)
        if self._resolution is None:
            return dataset
        own = Georeference.of(dataset)
        grid = plan_grid(own, self._resolution, str(self.source))
        return dataset if grid == own else resample(dataset, grid, self.nodata)

    def _describe(self, dataset: DatasetReader | WarpedVRT) -> None:
        """Read the file's metadata."""
        from rasterio.enums import MaskFlags

        plain = getattr(dataset, "src_dataset", dataset)
        self.numbers = find_bands(plain, self._bands, str(self.source))
        every = name_bands(plain)
        self.names = tuple(f"band {number} {every[number - 1]}".strip() for number in self.numbers)
        self._facts = read_facts(plain, self.numbers)
        self.largest = self._facts.largest
        self.dtype = np.dtype(np.float32) if self._facts.is_scaled else self._facts.dtype
        masked = any(MaskFlags.all_valid not in flags for flags in plain.mask_flag_enums)
        self.is_all_valid = not masked and self.nodata is None and self._facts.dtype.kind != "f"
        self.grid, self.own_grid = Georeference.of(dataset), Georeference.of(plain)
