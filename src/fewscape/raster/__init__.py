"""Read windows of scenes, write maps and polygons, in bounded memory."""

from fewscape.raster.georeference import Georeference
from fewscape.raster.grid import WindowGrid, plan_windows, taper
from fewscape.raster.opening.remote import Retry
from fewscape.raster.opening.source_lists import find_sources
from fewscape.raster.opening.sources import Source, to_source
from fewscape.raster.pan_ms.grid import PanMsReader
from fewscape.raster.pan_ms.pair import PairSource, PanMsArrays, PanMsPair, sample_pair
from fewscape.raster.pan_ms.scene import PanMsScene
from fewscape.raster.reading.reader import Scale, SceneReader
from fewscape.raster.reading.statistics import (
    BandStatistics,
    ValueRanges,
    find_drift,
    find_faults,
)
from fewscape.raster.vectors.polygons import ClassPolygons, read_polygons, to_pixel_geometries
from fewscape.raster.vectors.rasterising import rasterise, rasterise_numbers
from fewscape.raster.vectors.sieve import sieve_map
from fewscape.raster.vectors.vectorise import PolygonOptions, vectorise_map
from fewscape.raster.writing.overviews import add_overviews, make_cog
from fewscape.raster.writing.palette import choose_colours, class_colours
from fewscape.raster.writing.staging import StagedFiles
from fewscape.raster.writing.writer import NODATA, BandStyle, StripWriter, quantise

__all__ = [
    "NODATA",
    "BandStatistics",
    "BandStyle",
    "ClassPolygons",
    "Georeference",
    "PairSource",
    "PanMsArrays",
    "PanMsPair",
    "PanMsReader",
    "PanMsScene",
    "PolygonOptions",
    "Retry",
    "Scale",
    "SceneReader",
    "Source",
    "StagedFiles",
    "StripWriter",
    "ValueRanges",
    "WindowGrid",
    "add_overviews",
    "choose_colours",
    "class_colours",
    "find_drift",
    "find_faults",
    "find_sources",
    "make_cog",
    "plan_windows",
    "quantise",
    "rasterise",
    "rasterise_numbers",
    "read_polygons",
    "sample_pair",
    "sieve_map",
    "taper",
    "to_pixel_geometries",
    "to_source",
    "vectorise_map",
]
