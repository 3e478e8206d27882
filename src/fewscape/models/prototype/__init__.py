"""Training-free baseline: cosine similarity to masked-average prototypes."""

from fewscape.models.prototype.network import Prototype

__all__ = ["Prototype"]
