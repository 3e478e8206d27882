"""DualSource: few-shot classification of panchromatic and multispectral pairs."""

from fewscape.models.dual_source.config import DualSourceConfig
from fewscape.models.dual_source.dense import describe_grid
from fewscape.models.dual_source.network import (
    AFTER,
    BEFORE,
    DualSource,
    PixelRegions,
    SceneMaps,
)
from fewscape.models.dual_source.prototypes import (
    Prototypes,
    learn_prototypes,
    make_part_prototypes,
    make_prototypes,
    score_classes,
)

__all__ = [
    "AFTER",
    "BEFORE",
    "DualSource",
    "DualSourceConfig",
    "PixelRegions",
    "Prototypes",
    "SceneMaps",
    "describe_grid",
    "learn_prototypes",
    "make_part_prototypes",
    "make_prototypes",
    "score_classes",
]
