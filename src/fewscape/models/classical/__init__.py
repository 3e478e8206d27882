"""The classifiers of every GIS as baselines: maximum likelihood and random forests."""

from fewscape.models.classical.models import MaximumLikelihood, PixelTrees, RandomForest

__all__ = ["MaximumLikelihood", "PixelTrees", "RandomForest"]
