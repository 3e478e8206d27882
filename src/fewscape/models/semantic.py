"""The contract of a fully supervised network: encode, decode."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import nn

from fewscape.backbones import Backbone
from fewscape.core import Features, Output
from fewscape.models.window_size import check_window


class SemanticModel(nn.Module, ABC):
    """A network that gives every pixel one of the classes that it was trained on."""

    name: ClassVar[str]
    """Name in the zoo."""

    backbone: Backbone
    num_classes: int
    stride: int
    """Pixels per cell of the logits."""
    window_multiple: int
    """Heights and widths of images must be multiples of this."""

    @abstractmethod
    def fuse(self, maps: tuple[torch.Tensor, ...], size: tuple[int, int]) -> Features:
        """Features from the backbone's maps (B, C, h, w), fine to coarse.

        Args:
            maps: of each level.
            size: height and width of the images.
        """

    @abstractmethod
    def decode(self, features: Features) -> Output:
        """Logits (B, N, H / stride, W / stride) and named maps."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """The constructor's arguments as plain data, without the source of the weights."""

    def auxiliary_losses(self, output: Output, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Terms that the network wants beside the loss of its logits, each a scalar, by name.

        Args:
            output: of ``forward`` in training mode.
            labels: (B, H, W) class of each pixel, 255 unknown.
        """
        del output, labels
        return {}

    def encode(self, images: torch.Tensor) -> Features:
        """Features of a batch of images.

        Args:
            images: (B, 3, H, W) uint8, or float in [0, 1].

        Raises:
            ShapeError: height or width are not multiples of ``window_multiple``.
        """
        size = check_window(images, self.window_multiple, self.name)
        return self.fuse(self.backbone(images), size)

    def forward(self, images: torch.Tensor) -> Output:
        """``encode``, then ``decode``."""
        return self.decode(self.encode(images))
