"""The yardsticks that every GIS has: maximum likelihood and forests on colour and texture."""

from fewscape.models.classical.models import MaximumLikelihood, PixelTrees, RandomForest

__all__ = ["MaximumLikelihood", "PixelTrees", "RandomForest"]
