"""The contract of a backbone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from fewscape.backbones.checking import check_scaling
from fewscape.core import check_shape

Training = Literal["frozen", "fixed_norm", "full"]
"""``frozen``: no gradients; ``fixed_norm``: weights are trained, batch statistics are fixed;
``full``."""

Taps = Literal["stages", "blocks"]
"""``stages``: the last map of each level; ``blocks``: the output of every block of each level."""


class Backbone(nn.Module, ABC):
    """Maps images to a feature pyramid, fine to coarse.

    Attributes:
        channels: C of each map.
        strides: pixels per feature cell of each map; equal for the blocks of a level.
        settings: plain data from which ``BackboneConfig`` builds the same network without weights.
    """

    mean: torch.Tensor
    std: torch.Tensor
    settings: dict[str, Any]

    def __init__(
        self,
        channels: Sequence[int],
        strides: Sequence[int],
        mean: Sequence[float],
        std: Sequence[float],
        training_mode: Training = "frozen",
    ) -> None:
        super().__init__()
        check_scaling(mean, std)
        self.channels = tuple(channels)
        self.strides = tuple(strides)
        self.training_mode: Training = training_mode
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    @abstractmethod
    def extract(self, images: torch.Tensor) -> Sequence[torch.Tensor]:
        """Feature maps of normalised images."""

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Feature maps (B, C, H / stride, W / stride), one per entry of ``channels``.

        Args:
            images: (B, 3, H, W) uint8, or float in [0, 1].
        """
        check_shape(images, "B 3 H W", "images")
        dtype = next(self.parameters()).dtype
        # The mean is subtracted in float32: in bfloat16, neighbouring grey levels would collapse.
        scaled = images.float() / 255 if images.dtype == torch.uint8 else images.float()
        normal = ((scaled - self.mean) / self.std).to(dtype)
        normal = normal.contiguous(memory_format=torch.channels_last)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.is_frozen):
            return tuple(self.extract(normal))

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Self:
        """As in ``nn.Module``, but mean and standard deviation are never rounded."""
        exact = self.mean, self.std
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.mean, self.std = (tensor.to(self.mean.device) for tensor in exact)
        return self

    @property
    def is_frozen(self) -> bool:
        """Whether the weights are not trained."""
        return self.training_mode == "frozen"

    def set_training(self, mode: Training) -> None:
        """Choose what training changes; takes effect at once."""
        self.training_mode = mode
        for parameter in self.parameters():
            parameter.requires_grad_(mode != "frozen")
        self.train(self.training)

    def train(self, mode: bool = True) -> Backbone:
        """As in ``nn.Module``, but fixed normalisation layers stay in evaluation mode."""
        super().train(mode and not self.is_frozen)
        if self.training_mode == "fixed_norm":
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self
