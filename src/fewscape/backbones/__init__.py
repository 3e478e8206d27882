"""Backbones: networks that turn images into a pyramid of feature maps."""

from fewscape.backbones.clip import ClipConfig, ClipEncoder, OpenClip
from fewscape.backbones.clip_factory import make_clip
from fewscape.backbones.clip_stub import StubClip
from fewscape.backbones.clip_text import ClassTexts, read_texts, save_texts
from fewscape.backbones.config import BackboneConfig
from fewscape.backbones.dilated_resnet import DilatedResNetBackbone
from fewscape.backbones.factory import make_backbone
from fewscape.backbones.grad_cam import softmax_grad_cam
from fewscape.backbones.pyramid import Backbone, Training
from fewscape.backbones.timm_backbone import TimmBackbone
from fewscape.backbones.torchvision_backbone import ResNetBackbone, VGGBackbone
from fewscape.backbones.transformer_backbone import TransformerBackbone
from fewscape.backbones.weights import fit_state, read_state

__all__ = [
    "Backbone",
    "BackboneConfig",
    "ClassTexts",
    "ClipConfig",
    "ClipEncoder",
    "DilatedResNetBackbone",
    "OpenClip",
    "ResNetBackbone",
    "StubClip",
    "TimmBackbone",
    "Training",
    "TransformerBackbone",
    "VGGBackbone",
    "fit_state",
    "make_backbone",
    "make_clip",
    "read_state",
    "read_texts",
    "save_texts",
    "softmax_grad_cam",
]
