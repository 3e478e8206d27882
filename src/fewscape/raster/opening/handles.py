"""A pool of GDAL handles of one raster: one thread per handle, and a fresh one after a failure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from fewscape.core import SceneError, Window
from fewscape.raster.gdal import (
    describe_cause,
    open_quietly,
    open_raster,
    read_strictly,
    to_rasterio,
)
from fewscape.raster.opening.remote import Retry, is_remote, set_up_network, try_again
from fewscape.raster.opening.sources import Source

if TYPE_CHECKING:
    import rasterio
    from rasterio.io import DatasetReader

Result = TypeVar("Result")

Handle = tuple["DatasetReader", ...]
"""The view to read, and the data set behind it."""
Values = npt.NDArray[Any]
Masks = npt.NDArray[np.uint8]


class Handles:
    """Access to a raster from any thread.

    Args:
        source: the raster.
        retry: retry policy of network reads; local files are read once.
        wrap: makes a view of an opened raster, such as a resampled one; closed before it.
    """

    def __init__(
        self,
        source: Source,
        retry: Retry,
        wrap: Callable[[DatasetReader], DatasetReader] | None = None,
    ) -> None:
        self.source = source
        self.retry = retry
        self.is_remote = is_remote(source)
        self._wrap = wrap
        self._free: list[Handle] = []
        self._closed = 0
        self._lock = threading.Lock()

    def use(self, what: str, action: Callable[[DatasetReader], Result]) -> Result:
        """Run an action on a handle that no other thread uses meanwhile.

        Args:
            what: the part to read, for messages.
            action: the read; repeated with a fresh handle after a network failure.

        Raises:
            SceneError: the file is missing, not a raster or damaged, or all network attempts
                failed.
        """
        from rasterio._err import CPLE_BaseError  # what GDAL says of damaged tags escapes as it is
        from rasterio.errors import RasterioError

        def act() -> Result:
            with ExitStack() as stack:
                for environment in self._environments():
                    stack.enter_context(environment)
                return action(stack.enter_context(self._borrow()))

        errors = (RasterioError, CPLE_BaseError, OSError)
        if self.is_remote:
            return try_again(self.source, what, self.retry, act, errors)
        try:
            return act()
        except errors as error:
            raise SceneError(
                f"the scene '{self.source}' cannot be read ({what}): {describe_cause(error)}",
                "the file is truncated or damaged",
                "copy or download it again",
            ) from error

    def read(self, bands: Sequence[int], window: Window) -> tuple[Values, Masks]:
        """Read values and masks (C, H, W) of a window inside the raster.

        Raises:
            SceneError: see ``use``.
        """
        place = to_rasterio(window)
        row, col, height, width = window
        return self.use(
            f"rows {row} to {row + height}, columns {col} to {col + width}",
            lambda dataset: (
                read_bands(dataset, bands, window=place),
                dataset.read_masks(list(bands), window=place),
            ),
        )

    def read_reduced(
        self,
        bands: Sequence[int],
        size: tuple[int, int],
        is_smooth: bool = True,
        window: Window | None = None,
    ) -> tuple[Values, Masks]:
        """Read a window downsampled: values and masks (C, height, width).

        Args:
            bands: band numbers from 1.
            size: height and width.
            is_smooth: whether to average instead of picking pixels.
            window: inside the raster; everything if not given.

        Raises:
            SceneError: see ``use``.
        """
        from rasterio.enums import Resampling

        method = Resampling.average if is_smooth else Resampling.nearest
        shape = len(bands), *size
        place = None if window is None else to_rasterio(window)
        return self.use(
            "reduced",
            lambda dataset: (
                read_bands(dataset, bands, window=place, out_shape=shape, resampling=method),
                dataset.read_masks(list(bands), window=place, out_shape=shape),
            ),
        )

    def close(self) -> None:
        """Close all handles, busy ones after use; the next read opens new ones."""
        with self._lock:
            free, self._free = self._free, []
            self._closed += 1
        for handle in free:
            _close(handle)

    def _environments(self) -> list[rasterio.Env]:
        return [read_strictly(), *([set_up_network(self.retry)] if self.is_remote else ())]

    @contextmanager
    def _borrow(self) -> Iterator[DatasetReader]:
        """Borrow a handle; a failure closes it, so that GDAL drops its cache of the file."""
        with self._lock:
            closed = self._closed
            handle = self._free.pop() if self._free else None
        handle = handle or self._open()
        try:
            yield handle[0]
        except BaseException:
            _close(handle)
            raise
        with self._lock:
            is_current = closed == self._closed
            if is_current:
                self._free.append(handle)
        if not is_current:
            _close(handle)

    def _open(self) -> Handle:
        address = self.source.address
        plain = open_quietly(address) if self.is_remote else open_raster(address)
        try:
            view = self._wrap(plain) if self._wrap else plain
        except BaseException:
            plain.close()
            raise
        return (view,) if view is plain else (view, plain)


def _close(handle: Handle) -> None:
    """Close a view before its data set."""
    for dataset in handle:
        dataset.close()


def read_bands(dataset: DatasetReader, bands: Sequence[int], **how: Any) -> Values:  # noqa: ANN401
    """Read bands (C, H, W) in a type that fits all of them.

    Args:
        dataset: the open raster.
        bands: band numbers from 1.
        **how: further arguments of rasterio, with the shape of all bands.
    """
    kinds = [dataset.dtypes[band - 1] for band in bands]
    if len(set(kinds)) == 1:
        values: Values = dataset.read(list(bands), **how)
        return values
    shape = how.pop("out_shape", None)
    if shape is not None:
        how["out_shape"] = shape[1:]
    parts = [dataset.read(band, **how) for band in bands]
    return np.stack(parts).astype(np.result_type(*kinds))


def shrink_size(height: int, width: int, longest: int) -> tuple[int, int]:
    """Scale height and width to at most ``longest`` and at least one pixel per side.

    Examples:
        >>> shrink_size(3000, 1500, 1000)
        (1000, 500)
    """
    factor = max(1.0, max(height, width) / longest)
    return max(1, round(height / factor)), max(1, round(width / factor))
