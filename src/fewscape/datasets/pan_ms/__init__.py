"""Panchromatic and multispectral pairs: scaling, making them, and drawing their pixels."""

from fewscape.datasets.pan_ms.descriptors import describe_by_hand
from fewscape.datasets.pan_ms.episodes import (
    EpisodeOptions,
    PixelBank,
    PixelEpisode,
    hard_share,
)
from fewscape.datasets.pan_ms.scale import PairScale
from fewscape.datasets.pan_ms.scene import PixelScene, split_blocks
from fewscape.datasets.pan_ms.synthetic import (
    SPECTRAL_PAIR,
    TEXTURE_PAIR,
    SyntheticPair,
    make_synthetic_pair,
)
from fewscape.datasets.pan_ms.wald import (
    PAN_WEIGHTS,
    WaldOptions,
    average_blocks,
    blur_sigma,
    coarsen_labels,
    make_pair,
)

__all__ = [
    "PAN_WEIGHTS",
    "SPECTRAL_PAIR",
    "TEXTURE_PAIR",
    "EpisodeOptions",
    "PairScale",
    "PixelBank",
    "PixelEpisode",
    "PixelScene",
    "SyntheticPair",
    "WaldOptions",
    "average_blocks",
    "blur_sigma",
    "coarsen_labels",
    "describe_by_hand",
    "hard_share",
    "make_pair",
    "make_synthetic_pair",
    "split_blocks",
]
