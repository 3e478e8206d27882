"""Training-free: regularised linear discriminant analysis on a pyramid."""

from fewscape.models.discriminant.network import Discriminant

__all__ = ["Discriminant"]
