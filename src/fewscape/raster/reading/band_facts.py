"""What a raster says of its bands, and whether it can be read as one picture."""

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
"""Pages of a file that are looked at."""

MOST_PIXELS = 10**13
"""Of a scene; no raster of the earth has more, but a damaged header may say so."""


@dataclass(frozen=True, slots=True)
class BandFacts:
    """Of the chosen bands."""

    dtype: np.dtype[Any]
    """In which values of all of them fit."""
    largest: float
    """Value that stands for white where values are not stretched."""
    scales: npt.NDArray[np.float32]
    """(C,) factor from stored values to real ones."""
    offsets: npt.NDArray[np.float32]
    """(C,) added to them then."""

    @property
    def is_scaled(self) -> bool:
        """Whether stored values are not the real ones."""
        return bool((self.scales != 1).any() or (self.offsets != 0).any())


def read_facts(dataset: DatasetReader, numbers: Sequence[int]) -> BandFacts:
    """What a raster says of some of its bands.

    Args:
        dataset: the open raster.
        numbers: of the bands, from 1.
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
    """See that a raster is one picture of plain numbers.

    Raises:
        SceneError: it holds several rasters of one size, complex numbers, or impossibly many
            pixels.
    """
    pages = list(dataset.subdatasets)
    if not dataset.count or (len(pages) > 1 and _has_equals(dataset, pages)):
        first = pages[0] if pages else "NETCDF:file.nc:name"
        raise SceneError(
            f"'{scene}' holds {len(pages)} rasters: {', '.join(pages[:4])}",
            "expected one; which of them is meant cannot be told",
            f"name it, for instance '{first}'",
        )
    complex_bands = [kind for kind in dataset.dtypes if kind.startswith("complex")]
    if complex_bands:
        raise SceneError(
            f"'{scene}' holds complex numbers ({complex_bands[0]})",
            "expected real ones, such as the amplitude",
            f"give for instance 'DERIVED_SUBDATASET:AMPLITUDE:{scene}'",
        )
    if dataset.height * dataset.width > MOST_PIXELS:
        raise SceneError(
            f"'{scene}' says that it has {dataset.height} x {dataset.width} pixels",
            f"expected at most {MOST_PIXELS:.0e}",
            "its header is damaged; copy it again, or cut it into parts",
        )


def has_colour_table(dataset: DatasetReader) -> bool:
    """Whether the one band of a raster holds numbers of colours."""
    return bool(dataset.count == 1 and dataset.colorinterp[0].name == "palette")


def show_colours(dataset: DatasetReader) -> DatasetReader:
    """A view of a raster with a colour table: red, green, blue and, where it is used, alpha."""
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
    """Whether another page is as large as the first, so that it is no picture in small."""
    from rasterio.errors import RasterioError

    for page in pages[1:MOST_PAGES]:
        try:
            with open_quietly(page) as other:
                if other.shape == dataset.shape:
                    return True
        except RasterioError:
            continue
    return False
