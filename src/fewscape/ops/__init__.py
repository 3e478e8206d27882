"""Pure tensor functions without parameters."""

from fewscape.ops.correlation import (
    EPSILON,
    correlate,
    correlate_regions,
    joined_norms,
    share_scale,
    support_scale,
)
from fewscape.ops.pooling import paint_regions, pool_masked, pool_regions
from fewscape.ops.resize import average_mask, resize_maps, sample_nearest
from fewscape.ops.shots import SHOT_FUSIONS, fuse_shots

__all__ = [
    "EPSILON",
    "SHOT_FUSIONS",
    "average_mask",
    "correlate",
    "correlate_regions",
    "fuse_shots",
    "joined_norms",
    "paint_regions",
    "pool_masked",
    "pool_regions",
    "resize_maps",
    "sample_nearest",
    "share_scale",
    "support_scale",
]
