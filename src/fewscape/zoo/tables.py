"""The tables of models by name."""

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
"""Few-shot networks with nothing to train beyond a pretrained backbone."""

PIXEL_MODELS: dict[str, type[PixelModel[Any]]] = {
    Ensemble.name: Ensemble,
    MaximumLikelihood.name: MaximumLikelihood,
    PixelTrees.name: PixelTrees,
    RandomForest.name: RandomForest,
}
"""Pixel models, which learn from every drawn pixel of a scene, by name."""

SEMANTIC_MODELS: dict[str, type[SemanticModel]] = {BiCoRSeg.name: BiCoRSeg}
"""Supervised networks by name; they load only from model folders."""

PAIR_MODELS: dict[str, type[DualSource]] = {DualSource.name: DualSource}
"""Networks for panchromatic and multispectral pairs by name; they load only from model folders."""

EMBEDDED = "embedded"
"""The small packaged network that learns from crops."""

DEFAULT = Ensemble.name
"""The default model."""

EMBEDDED_PAIRS = {2: "embedded_pair2", 4: "embedded_pair4"}
"""Packaged networks for panchromatic and multispectral pairs, by pixel ratio."""

EMBEDDED_NAMES = (EMBEDDED, Ensemble.name, *EMBEDDED_PAIRS.values())
"""All packaged models."""
