"""Over-segmentations: one int32 map per image, 0 for the largest region, -1 for none."""

from fewscape.regions.felzenszwalb import Felzenszwalb
from fewscape.regions.filling import FillJob, fill_store
from fewscape.regions.flatten import flatten_masks
from fewscape.regions.maker import MakeRegions, RegionMaker, number_by_area
from fewscape.regions.methods import REGION_METHODS, make_regions
from fewscape.regions.pan_blocks import PanRegions
from fewscape.regions.pan_slic import bound_regions, grey_limits, segment_pan
from fewscape.regions.sam import Sam, Sam2
from fewscape.regions.slic import Slic
from fewscape.regions.store import RegionStore, StoredRegions, open_regions

__all__ = [
    "REGION_METHODS",
    "Felzenszwalb",
    "FillJob",
    "MakeRegions",
    "PanRegions",
    "RegionMaker",
    "RegionStore",
    "Sam",
    "Sam2",
    "Slic",
    "StoredRegions",
    "bound_regions",
    "fill_store",
    "flatten_masks",
    "grey_limits",
    "make_regions",
    "number_by_area",
    "open_regions",
    "segment_pan",
]
