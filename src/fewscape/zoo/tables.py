"""The one table from name to model."""

from __future__ import annotations

from typing import Any

from fewscape.models import (
    MGCL,
    BiCoRFewShot,
    BiCoRSeg,
    DensityRatio,
    Discriminant,
    DSMFNet,
    DualSource,
    Ensemble,
    FewShotModel,
    HSNet,
    ICPDNet,
    MaximumLikelihood,
    PFENet,
    PixelModel,
    PixelTrees,
    Prototype,
    RandomForest,
    SemanticModel,
)

MODELS: dict[str, type[FewShotModel]] = {
    BiCoRFewShot.name: BiCoRFewShot,
    DensityRatio.name: DensityRatio,
    Discriminant.name: Discriminant,
    DSMFNet.name: DSMFNet,
    HSNet.name: HSNet,
    ICPDNet.name: ICPDNet,
    MGCL.name: MGCL,
    PFENet.name: PFENet,
    Prototype.name: Prototype,
}
"""Few-shot networks by name."""

TRAINING_FREE = tuple(name for name, model in MODELS.items() if not model.needs_training)
"""Those of them that have nothing to train beyond a pretrained backbone."""

PIXEL_MODELS: dict[str, type[PixelModel[Any]]] = {
    Ensemble.name: Ensemble,
    MaximumLikelihood.name: MaximumLikelihood,
    PixelTrees.name: PixelTrees,
    RandomForest.name: RandomForest,
}
"""Models that learn from every drawn pixel of a scene, by name."""

SEMANTIC_MODELS: dict[str, type[SemanticModel]] = {BiCoRSeg.name: BiCoRSeg}
"""Fully supervised networks by name; they come from model folders only."""

PAIR_MODELS: dict[str, type[DualSource]] = {DualSource.name: DualSource}
"""Few-shot networks for panchromatic and multispectral pairs; they come from model folders only."""

EMBEDDED = "embedded"
"""The small trained network that comes with the package and learns from crops."""

DEFAULT = Ensemble.name
"""What maps a scene if no model is named."""

EMBEDDED_PAIRS = {2: "embedded_pair2", 4: "embedded_pair4"}
"""Those for panchromatic and multispectral pairs, by the ratio of their pixels."""

EMBEDDED_NAMES = (EMBEDDED, Ensemble.name, *EMBEDDED_PAIRS.values())
"""All models whose weights come with the package."""
