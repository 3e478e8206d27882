"""Pure tensor functions without parameters."""

from fewscape.ops.correlation import (
    EPSILON,
    as_rows,
    correlate,
    correlate_regions,
    joined_norms,
    share_scale,
    support_scale,
)
from fewscape.ops.cosine_prior import mean_cosine_prior
from fewscape.ops.density import choose_concentration, log_density_ratio
from fewscape.ops.guided_filter import filter_guided
from fewscape.ops.key_regions import KeyRegions, score_regions, select_key_regions
from fewscape.ops.moments import (
    Moments,
    describe_within,
    join_moments,
    separate,
    sum_moments,
    whiten,
)
from fewscape.ops.pooling import paint_regions, pool_masked, pool_regions
from fewscape.ops.precision import widen
from fewscape.ops.priors import max_cosine_prior, min_max
from fewscape.ops.prototypes import compare_prototypes, pool_prototypes, weigh_cosines
from fewscape.ops.rank import rank_prior
from fewscape.ops.resize import (
    average_mask,
    fit_maps,
    resize_maps,
    sample_mask,
    sample_nearest,
    shrink_maps,
)
from fewscape.ops.shared_regions import region_membership, share_regions
from fewscape.ops.shots import SHOT_FUSIONS, fuse_shots
from fewscape.ops.texture import (
    average_square,
    box_features,
    box_reach,
    multiscale_features,
    multiscale_reach,
    pool_cells,
    smooth_gaussian,
)
from fewscape.ops.views import FLIPS, Flips, average_views, turn

__all__ = [
    "EPSILON",
    "FLIPS",
    "SHOT_FUSIONS",
    "Flips",
    "KeyRegions",
    "Moments",
    "as_rows",
    "average_mask",
    "average_square",
    "average_views",
    "box_features",
    "box_reach",
    "choose_concentration",
    "compare_prototypes",
    "correlate",
    "correlate_regions",
    "describe_within",
    "filter_guided",
    "fit_maps",
    "fuse_shots",
    "join_moments",
    "joined_norms",
    "log_density_ratio",
    "max_cosine_prior",
    "mean_cosine_prior",
    "min_max",
    "multiscale_features",
    "multiscale_reach",
    "paint_regions",
    "pool_cells",
    "pool_masked",
    "pool_prototypes",
    "pool_regions",
    "rank_prior",
    "region_membership",
    "resize_maps",
    "sample_mask",
    "sample_nearest",
    "score_regions",
    "select_key_regions",
    "separate",
    "share_regions",
    "share_scale",
    "shrink_maps",
    "smooth_gaussian",
    "sum_moments",
    "support_scale",
    "turn",
    "weigh_cosines",
    "whiten",
    "widen",
]
