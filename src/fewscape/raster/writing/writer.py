"""Write maps from top to bottom, in bounded memory."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fewscape.core import OutputError, Window
from fewscape.raster.gdal import read_back, to_rasterio
from fewscape.raster.georeference import Georeference
from fewscape.raster.writing.palette import Colour
from fewscape.raster.writing.staging import report_write_errors

NODATA = 255
"""Nodata value of class maps and probabilities."""

PROBABILITY_STEPS = 254
"""The uint8 value of probability 1."""

BLOCK = 256
"""Block side of the files."""

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class BandStyle:
    """The meaning of a map's values."""

    description: str
    """Name of the band."""
    colours: Mapping[int, Colour] = field(default_factory=dict)
    """Colour table; empty for none."""
    scale: float = 1.0
    """Factor from stored values to real ones; GDAL and QGIS apply it."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags of the band."""

    @classmethod
    def classes(cls, names: Mapping[int, str], colours: Mapping[int, Colour]) -> BandStyle:
        """The style of a class map; names are in the tags ``CLASS_1``, ``CLASS_2`` ..."""
        tags = {f"CLASS_{number}": name for number, name in names.items()}
        return cls("class", colours=colours, tags=tags)

    @classmethod
    def layer(cls, description: str) -> BandStyle:
        """The style of a number in [0, 1], in steps of 1 / 254."""
        return cls(description, scale=1 / PROBABILITY_STEPS)


class StripWriter:
    """A tiled, compressed uint8 GeoTIFF of one band, written strip by strip from the top.

    Rows are collected until they fill a row of blocks, so that no block is compressed twice. On
    closing, the file is read once, since GDAL may hide a full disk after the last write.

    Args:
        path: file to write.
        grid: size and georeference of the map.
        style: the meaning of its values.
        tags: tags of the file.

    Raises:
        OutputError: the file cannot be written.
    """

    def __init__(
        self, path: Path, grid: Georeference, style: BandStyle, tags: Mapping[str, str]
    ) -> None:
        import rasterio
        from rasterio.errors import NotGeoreferencedWarning

        self.path = path
        self.grid = grid
        self._waiting: list[Bytes] = []
        self._written = 0
        blocks = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK}
        with report_write_errors(path), warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            self._dataset = rasterio.open(
                path,
                "w",
                driver="GTiff",
                height=grid.height,
                width=grid.width,
                count=1,
                dtype="uint8",
                **_describe_place(grid),
                nodata=NODATA,
                compress="deflate",
                bigtiff="if_safer",
                **(blocks if min(grid.height, grid.width) >= BLOCK else {}),
            )
            self._describe(style, tags)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            self.close()
        else:
            self._dataset.close()

    @property
    def missing_rows(self) -> int:
        """Number of rows still to append."""
        return self.grid.height - self._written - sum(len(rows) for rows in self._waiting)

    def append(self, rows: Bytes) -> None:
        """Add the next rows, (rows, W).

        Raises:
            OutputError: the disk is full or failed, or the map has fewer rows.
        """
        if len(rows) > self.missing_rows:
            raise OutputError(
                f"'{self.path}' has room for {self.missing_rows} rows, not {len(rows)}"
            )
        self._waiting.append(rows)
        ready = sum(len(waiting) for waiting in self._waiting)
        if ready >= BLOCK:
            self._write(ready // BLOCK * BLOCK)

    def close(self) -> None:
        """Write the remaining rows and verify the file.

        Raises:
            OutputError: rows are missing, or the file cannot be read back.
        """
        if self.missing_rows:
            raise OutputError(f"{self.missing_rows} rows of '{self.path}' were not written")
        with report_write_errors(self.path):
            self._write(sum(len(rows) for rows in self._waiting))
            self._dataset.close()
            read_back(self.path)

    def _write(self, count: int) -> None:
        if not count:
            return
        rows = np.concatenate(self._waiting) if len(self._waiting) > 1 else self._waiting[0]
        self._waiting = [rows[count:]] if len(rows) > count else []
        place = Window(self._written, 0, count, self.grid.width)
        with report_write_errors(self.path):
            self._dataset.write(rows[:count], 1, window=to_rasterio(place))
        self._written += count

    def _describe(self, style: BandStyle, tags: Mapping[str, str]) -> None:
        self._dataset.update_tags(**tags)
        self._dataset.update_tags(1, **style.tags)
        self._dataset.set_band_description(1, style.description)
        if style.colours:
            opaque = {value: (*colour, 255) for value, colour in style.colours.items()}
            self._dataset.write_colormap(1, opaque | {NODATA: (0, 0, 0, 0)})
        if style.scale != 1:
            self._dataset.scales = (style.scale,)


def _describe_place(grid: Georeference) -> dict[str, Any]:
    """Transform and CRS, or ground control instead."""
    if grid.control is None:
        return {"crs": grid.crs, "transform": None if grid.is_pixel_grid else grid.transform}
    place = grid.control.describe()
    return place | ({"crs": grid.crs} if "gcps" in place else {})


def quantise(probabilities: npt.NDArray[np.float32]) -> Bytes:
    """Quantise probabilities in [0, 1] to uint8 steps of 1 / 254.

    Examples:
        >>> quantise(np.array([0, 0.5, 1], np.float32)).tolist()
        [0, 127, 254]
    """
    return np.rint(probabilities * PROBABILITY_STEPS).astype(np.uint8)
