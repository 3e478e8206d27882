"""Panchromatic and multispectral pairs: scaling, making them, and drawing their pixels."""

from fewscape.datasets.pan_ms.descriptors import describe_by_hand
from fewscape.datasets.pan_ms.episodes import (
    EpisodeOptions,
    PixelBank,
    PixelEpisode,
    hard_share,
)
from fewscape.datasets.pan_ms.folder import LabelledPair, find_pairs, read_pair
from fewscape.datasets.pan_ms.pseudo import cluster_pixels
from fewscape.datasets.pan_ms.scale import CUT_PERCENTILES, PairScale
from fewscape.datasets.pan_ms.scene import PixelScene, split_blocks
from fewscape.datasets.pan_ms.synthetic import (
    SPECTRAL_PAIR,
    TEXTURE_PAIR,
    SyntheticPair,
    make_synthetic_pair,
)
from fewscape.datasets.pan_ms.varied import make_varied_pair
from fewscape.datasets.pan_ms.wald import (
    PAN_WEIGHTS,
    WaldOptions,
    average_blocks,
    blur_sigma,
    coarsen_labels,
    make_pair,
)

__all__ = [
    "CUT_PERCENTILES",
    "PAN_WEIGHTS",
    "SPECTRAL_PAIR",
    "TEXTURE_PAIR",
    "EpisodeOptions",
    "LabelledPair",
    "PairScale",
    "PixelBank",
    "PixelEpisode",
    "PixelScene",
    "SyntheticPair",
    "WaldOptions",
    "average_blocks",
    "blur_sigma",
    "cluster_pixels",
    "coarsen_labels",
    "describe_by_hand",
    "find_pairs",
    "hard_share",
    "make_pair",
    "make_synthetic_pair",
    "make_varied_pair",
    "read_pair",
    "split_blocks",
]
