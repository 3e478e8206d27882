"""The metadata of a raster's bands, and whether it is a readable single image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt

from fewscape.core import SceneError
from fewscape.raster.gdal import open_quietly

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

MOST_PAGES = 64
"""Number of pages of a file to check."""

MOST_PIXELS = 10**13
"""Maximum number of pixels of a scene; a larger number means a damaged header."""


@dataclass(frozen=True, slots=True)
class BandFacts:
    """Metadata of the chosen bands."""

    dtype: np.dtype[Any]
    """Type that fits the values of all bands."""
    largest: float
    """White level of unstretched values."""
    scales: npt.NDArray[np.float32]
    """(C,) scale from stored to real values."""
    offsets: npt.NDArray[np.float32]
    """(C,) offset from stored to real values."""

    @property
    def is_scaled(self) -> bool:
        """Whether stored and real values differ."""
        return bool((self.scales != 1).any() or (self.offsets != 0).any())


def read_facts(dataset: DatasetReader, numbers: Sequence[int]) -> BandFacts:
    """Read the metadata of some bands.

    Args:
        dataset: the open raster.
        numbers: band numbers from 1.
    """
    dtype = np.result_type(*(dataset.dtypes[number - 1] for number in numbers))
    largest = float(np.iinfo(dtype).max) if np.issubdtype(dtype, np.integer) else 1.0
    bits = {dataset.tags(number, ns="IMAGE_STRUCTURE").get("NBITS") for number in numbers}
    told = [int(text) for text in bits if text and text.isdecimal()]
    if len(told) == len(bits) and dtype.kind == "u":
        largest = min(largest, float(2 ** max(told) - 1))
    scales = np.array([dataset.scales[number - 1] for number in numbers], np.float32)
    offsets = np.array([dataset.offsets[number - 1] for number in numbers], np.float32)
    is_usable = bool(
        np.isfinite(scales).all() and (scales != 0).all() and np.isfinite(offsets).all()
    )
    if not is_usable:
        scales, offsets = np.ones_like(scales), np.zeros_like(offsets)
    return BandFacts(dtype, largest, scales, offsets)


def check_readable(dataset: DatasetReader, scene: str) -> None:
    """Check that a raster is a single image of real numbers.

    Raises:
        SceneError: it holds several rasters of the same size, complex numbers, or impossibly many
            pixels.
    """
    pages = list(dataset.subdatasets)
    if not dataset.count or (len(pages) > 1 and _has_equals(dataset, pages)):
        first = pages[0] if pages else "NETCDF:file.nc:name"
        raise SceneError(
            f"'{scene}' holds {len(pages)} rasters: {', '.join(pages[:4])}",
            "expected one",
            f"give one of them, for example '{first}'",
        )
    complex_bands = [kind for kind in dataset.dtypes if kind.startswith("complex")]
    if complex_bands:
        raise SceneError(
            f"'{scene}' holds complex numbers ({complex_bands[0]})",
            "expected real ones, such as the amplitude",
            f"use for example 'DERIVED_SUBDATASET:AMPLITUDE:{scene}'",
        )
    if dataset.height * dataset.width > MOST_PIXELS:
        raise SceneError(
            f"'{scene}' has {dataset.height} x {dataset.width} pixels by its header",
            f"expected at most {MOST_PIXELS:.0e}",
            "copy the file again if the header is damaged, or split it",
        )


def has_colour_table(dataset: DatasetReader) -> bool:
    """Whether a raster has a single band with a colour table."""
    return bool(dataset.count == 1 and dataset.colorinterp[0].name == "palette")


def show_colours(dataset: DatasetReader) -> DatasetReader:
    """View a raster with a colour table as red, green, blue and, if used, alpha."""
    table = dataset.colormap(1)
    names = ["Red", "Green", "Blue"]
    if any(colour[3] < 255 for colour in table.values()):
        names.append("Alpha")
    source = dataset.name
    source = source if source.startswith("/vsi") else str(Path(source).absolute())
    bands = "".join(
        f'<VRTRasterBand dataType="Byte" band="{number}"><ColorInterp>{name}</ColorInterp>'
        f'<ComplexSource><SourceFilename relativeToVRT="0">{escape(source)}</SourceFilename>'
        f"<SourceBand>1</SourceBand><ColorTableComponent>{number}</ColorTableComponent>"
        "</ComplexSource></VRTRasterBand>"
        for number, name in enumerate(names, start=1)
    )
    place = ", ".join(map(repr, dataset.transform.to_gdal()))
    crs = f"<SRS>{escape(dataset.crs.to_wkt())}</SRS>" if dataset.crs else ""
    where = (
        f"{crs}<GeoTransform>{place}</GeoTransform>" if not dataset.transform.is_identity else crs
    )
    size = f'rasterXSize="{dataset.width}" rasterYSize="{dataset.height}"'
    return open_quietly(f"<VRTDataset {size}>{where}{bands}</VRTDataset>")


def _has_equals(dataset: DatasetReader, pages: Sequence[str]) -> bool:
    """Whether another page has the size of the first, so that it is not an overview."""
    from rasterio.errors import RasterioError

    for page in pages[1:MOST_PAGES]:
        try:
            with open_quietly(page) as other:
                if other.shape == dataset.shape:
                    return True
        except RasterioError:
            continue
    return False
