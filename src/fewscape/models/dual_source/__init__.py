"""Dual source: few-shot classification of panchromatic and multispectral pairs."""

from fewscape.models.dual_source.config import DualSourceConfig
from fewscape.models.dual_source.network import DualSource, PixelRegions, SceneMaps
from fewscape.models.dual_source.prototypes import (
    make_part_prototypes,
    make_prototypes,
    score_classes,
)

__all__ = [
    "DualSource",
    "DualSourceConfig",
    "PixelRegions",
    "SceneMaps",
    "make_part_prototypes",
    "make_prototypes",
    "score_classes",
]
