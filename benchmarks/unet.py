"""Baseline: the U-Net of segmentation_models_pytorch on a fewscape backbone."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from segmentation_models_pytorch.base import SegmentationHead, initialization
from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder

from fewscape.backbones import BackboneConfig
from fewscape.core import Features, Output
from fewscape.models import SemanticModel

STRIDES = (2, 4, 8, 16, 32)
DECODER = (256, 128, 64, 32, 16)
"""Channels of the decoder blocks, the library's default."""


class UNet(SemanticModel):
    """U-Net (Ronneberger et al., MICCAI 2015) with the library's default decoder.

    Args:
        num_classes: N.
        backbone: a pyramid of strides 2 to 32.
    """

    name: ClassVar[str] = "unet"

    def __init__(self, num_classes: int, backbone: BackboneConfig) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.backbone = backbone.build(STRIDES)
        self.decoder = UnetDecoder((3, *self.backbone.channels), DECODER)
        self.head = SegmentationHead(DECODER[-1], num_classes)
        initialization.initialize_decoder(self.decoder)
        initialization.initialize_head(self.head)
        self.stride = 1
        self.window_multiple = STRIDES[-1]

    def describe(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"num_classes": self.num_classes, "backbone": self.backbone.settings}

    def fuse(self, maps: tuple[torch.Tensor, ...], size: tuple[int, int]) -> Features:
        """Return the backbone's maps unchanged."""
        return Features(maps, size)

    def decode(self, features: Features) -> Output:
        """Logits at image resolution; the decoder uses only the size of the image."""
        image = features.maps[0].new_empty((1, 1, *features.size))
        return Output(self.head(self.decoder([image, *features.maps])), features.size)
