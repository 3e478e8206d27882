"""Networks that turn images into a pyramid of feature maps."""

from fewscape.backbones.config import BackboneConfig
from fewscape.backbones.dilated_resnet import DilatedResNetBackbone
from fewscape.backbones.factory import make_backbone
from fewscape.backbones.pyramid import Backbone, Training
from fewscape.backbones.timm_backbone import TimmBackbone
from fewscape.backbones.torchvision_backbone import ResNetBackbone, VGGBackbone
from fewscape.backbones.weights import fit_state, read_state

__all__ = [
    "Backbone",
    "BackboneConfig",
    "DilatedResNetBackbone",
    "ResNetBackbone",
    "TimmBackbone",
    "Training",
    "VGGBackbone",
    "fit_state",
    "make_backbone",
    "read_state",
]
