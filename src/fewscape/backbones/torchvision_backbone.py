"""ResNet-50, ResNet-101 and VGG-16 as the papers use them, under torchvision's names."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from fewscape.backbones.pyramid import Backbone, Training

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
STRIDES = (8, 16, 32)


class ResNetBackbone(Backbone):
    """Outputs of stages 2, 3 and 4 after their last ReLU, without dilation.

    Args:
        depth: 50 or 101.
        training_mode: what training changes.
        pretrained: let torchvision download its ImageNet weights (V1, as the papers use).
    """

    def __init__(
        self, depth: int, training_mode: Training = "frozen", pretrained: bool = False
    ) -> None:
        from torchvision.models import resnet50, resnet101

        super().__init__((512, 1024, 2048), STRIDES, IMAGENET_MEAN, IMAGENET_STD, training_mode)
        build = {50: resnet50, 101: resnet101}[depth]
        network = build(weights="IMAGENET1K_V1" if pretrained else None)
        for name, part in network.named_children():
            if name not in ("avgpool", "fc"):
                self.add_module(name, part)
        self.set_training(training_mode)

    def extract(self, images: torch.Tensor) -> Sequence[torch.Tensor]:
        """Maps of stride 8, 16 and 32."""
        parts = dict(self.named_children())
        hidden = images
        for name in ("conv1", "bn1", "relu", "maxpool", "layer1"):
            hidden = parts[name](hidden)
        maps = []
        for name in ("layer2", "layer3", "layer4"):
            hidden = parts[name](hidden)
            maps.append(hidden)
        return maps


class VGGBackbone(Backbone):
    """Outputs of the third, fourth and fifth max pooling of VGG-16 without batch norm."""

    ENDS = (17, 24, 31)
    """Where the three levels end in torchvision's ``features``."""

    def __init__(self, training_mode: Training = "frozen", pretrained: bool = False) -> None:
        from torchvision.models import vgg16

        super().__init__((256, 512, 512), STRIDES, IMAGENET_MEAN, IMAGENET_STD, training_mode)
        self.features = vgg16(weights="IMAGENET1K_V1" if pretrained else None).features
        self.set_training(training_mode)

    def extract(self, images: torch.Tensor) -> Sequence[torch.Tensor]:
        """Maps of stride 8, 16 and 32."""
        maps = []
        hidden = images
        start = 0
        for end in self.ENDS:
            hidden = self.features[start:end](hidden)
            maps.append(hidden)
            start = end
        return maps
