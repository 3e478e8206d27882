"""Find and load models by name, folder or class path."""

from fewscape.zoo.facts import (
    ModelFacts,
    ModelKind,
    check_model,
    embedded_folder,
    find,
    open_folder,
)
from fewscape.zoo.loading import LoadedModel, load
from fewscape.zoo.tables import (
    DEFAULT,
    EMBEDDED,
    EMBEDDED_NAMES,
    EMBEDDED_PAIRS,
    MODELS,
    PAIR_MODELS,
    PIXEL_MODELS,
    SEMANTIC_MODELS,
    TRAINING_FREE,
)

__all__ = [
    "DEFAULT",
    "EMBEDDED",
    "EMBEDDED_NAMES",
    "EMBEDDED_PAIRS",
    "MODELS",
    "PAIR_MODELS",
    "PIXEL_MODELS",
    "SEMANTIC_MODELS",
    "TRAINING_FREE",
    "LoadedModel",
    "ModelFacts",
    "ModelKind",
    "check_model",
    "embedded_folder",
    "find",
    "load",
    "open_folder",
]
