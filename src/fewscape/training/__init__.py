"""Training: Lightning modules and their data."""

from fewscape.training.dual_source import DualSourceSegmentation
from fewscape.training.episode_data import EpisodeData
from fewscape.training.few_shot import FewShotSegmentation
from fewscape.training.model_folders import SaveModelFolders
from fewscape.training.pair_data import PairData
from fewscape.training.semantic import SemanticSegmentation
from fewscape.training.semantic_data import SemanticData

__all__ = [
    "DualSourceSegmentation",
    "EpisodeData",
    "FewShotSegmentation",
    "PairData",
    "SaveModelFolders",
    "SemanticData",
    "SemanticSegmentation",
]
