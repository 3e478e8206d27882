"""The default of ``fewscape map``: experts on colour, texture and a frozen network."""

from fewscape.models.ensemble.deep_features import DeepFeatures
from fewscape.models.ensemble.model import Ensemble, EnsembleSupport

__all__ = ["DeepFeatures", "Ensemble", "EnsembleSupport"]
