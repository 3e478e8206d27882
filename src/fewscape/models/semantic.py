"""The contract of a supervised network: encode, decode."""

from __future__ import annotations

from abc import abstractmethod

import torch

from fewscape.core import Features, Output
from fewscape.models.network import Network
from fewscape.models.window_size import check_window


class SemanticModel(Network):
    """A network that assigns every pixel to one of its training classes."""

    num_classes: int
    num_heats: int = 0
    """Number of maps ``heat1``, ... of class logits in the output, the last one best."""

    @abstractmethod
    def fuse(self, maps: tuple[torch.Tensor, ...], size: tuple[int, int]) -> Features:
        """Compute features from the backbone's maps (B, C, h, w), fine to coarse.

        Args:
            maps: maps of each level.
            size: height and width of the images.
        """

    @abstractmethod
    def decode(self, features: Features) -> Output:
        """Logits (B, N, H / stride, W / stride) and named maps."""

    def auxiliary_losses(self, output: Output, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Scalar loss terms of the network besides the loss of its logits, by name.

        Args:
            output: result of ``forward`` in training mode.
            labels: (B, H, W) class of each pixel, 255 unknown.
        """
        del output, labels
        return {}

    def encode(self, images: torch.Tensor) -> Features:
        """Encode a batch of images.

        Args:
            images: (B, 3, H, W) uint8, or float in [0, 1].

        Raises:
            ShapeError: height or width is not a multiple of ``window_multiple``.
        """
        size = check_window(images, self.window_multiple, self.name)
        return self.fuse(self.backbone(images), size)

    def forward(self, images: torch.Tensor) -> Output:
        """``encode``, then ``decode``."""
        return self.decode(self.encode(images))
