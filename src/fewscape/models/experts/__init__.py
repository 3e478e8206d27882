"""Classifiers of single cells: learnt in closed form or as trees from what was drawn."""

from fewscape.models.experts.cells import Cells, Expert, Scaling
from fewscape.models.experts.discriminant import LinearDiscriminant
from fewscape.models.experts.forest import Forest
from fewscape.models.experts.gaussian import Gaussian
from fewscape.models.experts.priors import estimate_priors

__all__ = [
    "Cells",
    "Expert",
    "Forest",
    "Gaussian",
    "LinearDiscriminant",
    "Scaling",
    "estimate_priors",
]
