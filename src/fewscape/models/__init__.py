"""Models, one folder each, and their base classes."""

from fewscape.models.base import FewShotModel, fuse_predictions
from fewscape.models.bicor_seg import BiCoRFewShot, BiCoRSeg
from fewscape.models.classical import MaximumLikelihood, PixelTrees, RandomForest
from fewscape.models.density_ratio import DensityRatio
from fewscape.models.discriminant import Discriminant
from fewscape.models.dsmf_net import DSMFNet
from fewscape.models.dual_source import DualSource, DualSourceConfig
from fewscape.models.ensemble import DeepFeatures, Ensemble
from fewscape.models.folder import ModelFolder, Storable, save_model
from fewscape.models.hsnet import HSNet
from fewscape.models.icpd_net import ICPDNet
from fewscape.models.mgcl import MGCL
from fewscape.models.network import Network
from fewscape.models.pfenet import PFENet
from fewscape.models.pixel import PixelModel
from fewscape.models.prototype import Prototype
from fewscape.models.semantic import SemanticModel

__all__ = [
    "MGCL",
    "BiCoRFewShot",
    "BiCoRSeg",
    "DSMFNet",
    "DeepFeatures",
    "DensityRatio",
    "Discriminant",
    "DualSource",
    "DualSourceConfig",
    "Ensemble",
    "FewShotModel",
    "HSNet",
    "ICPDNet",
    "MaximumLikelihood",
    "ModelFolder",
    "Network",
    "PFENet",
    "PixelModel",
    "PixelTrees",
    "Prototype",
    "RandomForest",
    "SemanticModel",
    "Storable",
    "fuse_predictions",
    "save_model",
]
