"""Rasters and vectors on disk: windows of scenes in, maps and polygons out, in bounded memory."""

from fewscape.raster.georeference import Georeference
from fewscape.raster.grid import WindowGrid, plan_windows, taper
from fewscape.raster.overviews import add_overviews, make_cog
from fewscape.raster.palette import choose_colours, class_colours
from fewscape.raster.pan_ms import PanMsReader
from fewscape.raster.pan_ms_pair import PairSource, PanMsArrays, PanMsPair, sample_pair
from fewscape.raster.pan_ms_scene import PanMsScene
from fewscape.raster.polygons import ClassPolygons, read_polygons, to_pixel_geometries
from fewscape.raster.rasterising import rasterise, rasterise_numbers
from fewscape.raster.reader import Scale, SceneReader
from fewscape.raster.remote import Retry
from fewscape.raster.sieve import sieve_map
from fewscape.raster.source_lists import find_sources
from fewscape.raster.sources import Source, to_source
from fewscape.raster.staging import StagedFiles
from fewscape.raster.statistics import BandStatistics, ValueRanges, find_drift, find_faults
from fewscape.raster.vectorise import PolygonOptions, vectorise_map
from fewscape.raster.writer import NODATA, BandStyle, StripWriter, quantise

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
