"""ResNets that keep stride 8 by dilation, as used by PFENet and its descendants."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from fewscape.backbones.pyramid import Taps, Training
from fewscape.backbones.torchvision_backbone import STRIDES, ResNetBackbone

DEEPEST = 8
"""Stride that the dilated stages keep."""
STEM = (3, 64, 64, 128)
"""Channels of the three convolutions that replace one of 7 x 7."""


class DilatedResNetBackbone(ResNetBackbone):
    """A ResNet whose last two stages keep stride 8.

    Every 3 x 3 convolution of these stages is dilated, by 2 and by 4, including the first of each
    stage. PSPNet's version, which PFENet uses, has a stem of three convolutions; torchvision's
    weights fit the 7 x 7 stem.

    Args:
        depth: 50 or 101.
        strides: wanted levels, by their strides without dilation.
        training_mode: what training changes.
        taps: see ``ResNetBackbone``.
        deep_stem: whether the stem is PSPNet's.
        pretrained: let torchvision download its ImageNet weights; not for the deep stem.
    """

    def __init__(
        self,
        depth: int,
        strides: Sequence[int] = STRIDES[1:],
        training_mode: Training = "frozen",
        taps: Taps = "stages",
        deep_stem: bool = True,
        pretrained: bool = False,
    ) -> None:
        super().__init__(depth, strides, training_mode, pretrained, taps)
        if deep_stem:
            self._deepen_stem()
        for name, dilation in (("layer3", 2), ("layer4", 4)):
            _dilate(self.get_submodule(name), dilation)
        self.strides = tuple(min(stride, DEEPEST) for stride in self.strides)
        self.set_training(training_mode)

    def _deepen_stem(self) -> None:
        """Replace torchvision's stem with PSPNet's."""
        self.conv1, self.bn1 = _make_stem(), nn.BatchNorm2d(STEM[-1])
        for name in ("layer1.0.conv1", "layer1.0.downsample.0"):
            width = self.get_submodule(name).get_parameter("weight").shape[0]
            self.set_submodule(name, nn.Conv2d(STEM[-1], width, 1, bias=False))


def _make_stem() -> nn.Sequential:
    """The convolutions with norm and ReLU between; those of the last are ``bn1`` and ``relu``."""
    parts: list[nn.Module] = []
    for index, (before, after) in enumerate(pairwise(STEM)):
        stride = 2 if index == 0 else 1
        parts.append(nn.Conv2d(before, after, 3, stride, padding=1, bias=False))
        parts.extend([nn.BatchNorm2d(after), nn.ReLU(inplace=True)])
    return nn.Sequential(*parts[:-2])


def _dilate(stage: nn.Module, dilation: int) -> None:
    """Remove the strides of a stage and dilate its 3 x 3 convolutions."""
    for layer in stage.modules():
        if not isinstance(layer, nn.Conv2d):
            continue
        layer.stride = (1, 1)
        if layer.kernel_size == (3, 3):
            layer.dilation = layer.padding = (dilation, dilation)
