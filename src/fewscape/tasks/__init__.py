"""Training: Lightning modules and the data that they learn from."""

from fewscape.tasks.dual_source import DualSourceSegmentation
from fewscape.tasks.episode_data import EpisodeData
from fewscape.tasks.few_shot import FewShotSegmentation
from fewscape.tasks.model_folders import SaveModelFolders
from fewscape.tasks.pair_data import PairData
from fewscape.tasks.semantic import SemanticSegmentation
from fewscape.tasks.semantic_data import SemanticData

__all__ = [
    "DualSourceSegmentation",
    "EpisodeData",
    "FewShotSegmentation",
    "PairData",
    "SaveModelFolders",
    "SemanticData",
    "SemanticSegmentation",
]
