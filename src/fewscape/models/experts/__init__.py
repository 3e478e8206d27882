"""Classifiers of single cells: learnt in closed form or as trees from what was drawn."""

from fewscape.models.experts.cells import Cells, Expert, Scaling
from fewscape.models.experts.class_against_scene import oppose_to_scene
from fewscape.models.experts.discriminant import LinearDiscriminant
from fewscape.models.experts.forest import Forest
from fewscape.models.experts.gaussian import Gaussian
from fewscape.models.experts.learned_metric import LearnedMetric
from fewscape.models.experts.positive_unlabelled import PositiveUnlabelled
from fewscape.models.experts.priors import estimate_priors

__all__ = [
    "Cells",
    "Expert",
    "Forest",
    "Gaussian",
    "LearnedMetric",
    "LinearDiscriminant",
    "PositiveUnlabelled",
    "Scaling",
    "estimate_priors",
    "oppose_to_scene",
]
