"""ResNet-50, ResNet-101 and VGG-16 as the papers use them, under torchvision's names."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from fewscape.backbones.pyramid import Backbone, Taps, Training
from fewscape.core import ConfigError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
STRIDES = (4, 8, 16, 32)
"""Strides of the stages; the papers use the last three."""


class ResNetBackbone(Backbone):
    """The residual stages, without dilation.

    Args:
        depth: 50 or 101.
        strides: wanted levels, among 4, 8, 16 and 32.
        training_mode: what training changes.
        pretrained: let torchvision download its ImageNet weights (V1, as the papers use).
        taps: ``stages`` gives each stage after its last ReLU; ``blocks`` the sum of every
            bottleneck before its ReLU, as in HSNet.
    """

    CHANNELS = (256, 512, 1024, 2048)
    STAGES = ("layer1", "layer2", "layer3", "layer4")

    def __init__(
        self,
        depth: int,
        strides: Sequence[int] = STRIDES[1:],
        training_mode: Training = "frozen",
        pretrained: bool = False,
        taps: Taps = "stages",
    ) -> None:
        from torchvision.models import resnet50, resnet101

        channels = _pick(self.CHANNELS, strides)
        super().__init__(channels, strides, IMAGENET_MEAN, IMAGENET_STD, training_mode)
        self._levels = tuple(strides)
        self._taps = taps
        build = {50: resnet50, 101: resnet101}[depth]
        network = build(weights="IMAGENET1K_V1" if pretrained else None)
        for name, part in network.named_children():
            if name not in ("avgpool", "fc"):
                self.add_module(name, part)
        if taps == "blocks":
            stages = dict(zip(STRIDES, self.STAGES, strict=True))
            counts = [len(list(getattr(self, stages[stride]).children())) for stride in strides]
            self.channels, self.strides = _repeat(channels, counts), _repeat(strides, counts)
        self.set_training(training_mode)

    def extract(self, images: torch.Tensor) -> Sequence[torch.Tensor]:
        """The maps of the chosen strides."""
        parts = dict(self.named_children())
        hidden = images
        for name in ("conv1", "bn1", "relu", "maxpool"):
            hidden = parts[name](hidden)
        maps: dict[int, list[torch.Tensor]] = {}
        for stride, name in zip(STRIDES, self.STAGES, strict=True):
            if self._taps == "stages" or stride not in self._levels:
                hidden = parts[name](hidden)
                maps[stride] = [hidden]
                continue
            maps[stride] = []
            for block in parts[name].children():
                maps[stride].append(residual_sum(block, hidden))
                hidden = F.relu(maps[stride][-1])
        return [level for stride in self._levels for level in maps[stride]]

    def run_last_stage(self, maps: torch.Tensor) -> torch.Tensor:
        """Run only the last stage on a changed input, which PFENet masks."""
        result: torch.Tensor = self.get_submodule(self.STAGES[-1])(maps)
        return result


def residual_sum(block: nn.Module, hidden: torch.Tensor) -> torch.Tensor:
    """A bottleneck of torchvision without its last ReLU: (B, C, H, W) to (B, C', H', W')."""
    parts = dict(block.named_children())
    branch = hidden
    for index in (1, 2, 3):
        branch = parts[f"bn{index}"](parts[f"conv{index}"](branch))
        branch = F.relu(branch) if index < 3 else branch
    shortcut = parts["downsample"](hidden) if "downsample" in parts else hidden
    return branch + shortcut


class VGGBackbone(Backbone):
    """VGG-16 without batch norm.

    Args:
        strides: wanted levels, among 4, 8, 16 and 32.
        training_mode: what training changes.
        pretrained: let torchvision download its ImageNet weights.
        taps: ``stages`` gives the max pooling layers; ``blocks`` every convolution before its
            ReLU, and for stride 32 the last max pooling, as in HSNet.
    """

    CHANNELS = (128, 256, 512, 512)

    def __init__(
        self,
        strides: Sequence[int] = STRIDES[1:],
        training_mode: Training = "frozen",
        pretrained: bool = False,
        taps: Taps = "stages",
    ) -> None:
        from torchvision.models import vgg16

        channels = _pick(self.CHANNELS, strides)
        super().__init__(channels, strides, IMAGENET_MEAN, IMAGENET_STD, training_mode)
        self.features = vgg16(weights="IMAGENET1K_V1" if pretrained else None).features
        self._tapped: dict[int, tuple[int, int]] = {
            index: (stride, width)
            for index, stride, width in self._list_taps(taps)
            if stride in strides
        }
        if taps == "blocks":
            self.strides, self.channels = zip(*self._tapped.values(), strict=True)
        self.set_training(training_mode)

    def _list_taps(self, taps: Taps) -> list[tuple[int, int, int]]:
        """Index of a layer in ``features``, stride and channels of its output."""
        listed, stride, width = [], 1, 3
        for index, layer in enumerate(self.features):
            pools = isinstance(layer, nn.MaxPool2d)
            if isinstance(layer, nn.Conv2d):
                width = layer.out_channels
            stride = 2 * stride if pools else stride
            is_block = isinstance(layer, nn.Conv2d) or (pools and stride == STRIDES[-1])
            if pools if taps == "stages" else is_block:
                listed.append((index, stride, width))
        return listed

    def extract(self, images: torch.Tensor) -> Sequence[torch.Tensor]:
        """The maps of the chosen strides."""
        maps = []
        hidden = images
        for index, layer in enumerate(self.features):
            # Not in place: a tapped map must keep its values before the ReLU.
            hidden = F.relu(hidden) if isinstance(layer, nn.ReLU) else layer(hidden)
            if index in self._tapped:
                maps.append(hidden)
        return maps


def _repeat(values: Sequence[int], counts: Sequence[int]) -> tuple[int, ...]:
    return tuple(value for value, count in zip(values, counts, strict=True) for _ in range(count))


def _pick(channels: Sequence[int], strides: Sequence[int]) -> list[int]:
    known = dict(zip(STRIDES, channels, strict=True))
    if absent := [stride for stride in strides if stride not in known]:
        raise ConfigError(
            f"there are no feature maps of stride {absent}", f"expected strides among {STRIDES}"
        )
    return [known[stride] for stride in strides]
