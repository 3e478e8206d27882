"""ResNet-50, ResNet-101 and VGG-16 as the papers use them, under torchvision's names."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from fewscape.backbones.pyramid import Backbone, Training
from fewscape.core import ConfigError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
STRIDES = (4, 8, 16, 32)
"""Strides of the stages; the papers take the last three."""


class ResNetBackbone(Backbone):
    """Outputs of the stages after their last ReLU, without dilation.

    Args:
        depth: 50 or 101.
        strides: levels wanted, among 4, 8, 16 and 32.
        training_mode: what training changes.
        pretrained: let torchvision download its ImageNet weights (V1, as the papers use).
    """

    CHANNELS = (256, 512, 1024, 2048)

    def __init__(
        self,
        depth: int,
        strides: Sequence[int] = STRIDES[1:],
        training_mode: Training = "frozen",
        pretrained: bool = False,
    ) -> None:
        from torchvision.models import resnet50, resnet101

        channels = _pick(self.CHANNELS, strides)
        super().__init__(channels, strides, IMAGENET_MEAN, IMAGENET_STD, training_mode)
        build = {50: resnet50, 101: resnet101}[depth]
        network = build(weights="IMAGENET1K_V1" if pretrained else None)
        for name, part in network.named_children():
            if name not in ("avgpool", "fc"):
                self.add_module(name, part)
        self.set_training(training_mode)

    def extract(self, images: torch.Tensor) -> Sequence[torch.Tensor]:
        """The maps of the chosen strides."""
        parts = dict(self.named_children())
        hidden = images
        for name in ("conv1", "bn1", "relu", "maxpool"):
            hidden = parts[name](hidden)
        maps = {}
        for stride, name in zip(STRIDES, ("layer1", "layer2", "layer3", "layer4"), strict=True):
            hidden = maps[stride] = parts[name](hidden)
        return [maps[stride] for stride in self.strides]


class VGGBackbone(Backbone):
    """Outputs of the max pooling layers of VGG-16 without batch norm, from the second on.

    Args:
        strides: levels wanted, among 4, 8, 16 and 32.
        training_mode: what training changes.
        pretrained: let torchvision download its ImageNet weights.
    """

    CHANNELS = (128, 256, 512, 512)
    ENDS = (10, 17, 24, 31)
    """Where the levels end in torchvision's ``features``."""

    def __init__(
        self,
        strides: Sequence[int] = STRIDES[1:],
        training_mode: Training = "frozen",
        pretrained: bool = False,
    ) -> None:
        from torchvision.models import vgg16

        channels = _pick(self.CHANNELS, strides)
        super().__init__(channels, strides, IMAGENET_MEAN, IMAGENET_STD, training_mode)
        self.features = vgg16(weights="IMAGENET1K_V1" if pretrained else None).features
        self.set_training(training_mode)

    def extract(self, images: torch.Tensor) -> Sequence[torch.Tensor]:
        """The maps of the chosen strides."""
        maps = {}
        hidden = images
        start = 0
        for stride, end in zip(STRIDES, self.ENDS, strict=True):
            hidden = maps[stride] = self.features[start:end](hidden)
            start = end
        return [maps[stride] for stride in self.strides]


def _pick(channels: Sequence[int], strides: Sequence[int]) -> list[int]:
    known = dict(zip(STRIDES, channels, strict=True))
    if absent := [stride for stride in strides if stride not in known]:
        raise ConfigError(
            f"there are no feature maps of stride {absent}", f"expected strides among {STRIDES}"
        )
    return [known[stride] for stride in strides]
