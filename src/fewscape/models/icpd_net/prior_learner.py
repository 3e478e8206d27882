"""IPDM: from similarities to class names to a prior of the class (ICPD-Net)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

ENLARGING = (32, 16)
REDUCING = (16, 32, 64)


class PriorLearner(nn.Module):
    """Decouples foreground from background similarities; shared by query and supports.

    Names are nearly equally similar to everything, and their order is arbitrary except for the
    target, which comes first, so the learner is class-agnostic.

    Args:
        channels: channels of the prompt stack.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        enlarging: list[nn.Module] = []
        for before, after in pairwise((channels, *ENLARGING)):
            enlarging += [nn.ConvTranspose2d(before, after, 2, 2), nn.InstanceNorm2d(after)]
            enlarging.append(nn.ReLU(inplace=True))
        reducing: list[nn.Module] = []
        for before, after in pairwise(REDUCING):
            reducing += [nn.Conv2d(before, after, 3, padding=1), nn.InstanceNorm2d(after)]
            reducing += [nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        reducing.append(nn.Conv2d(REDUCING[-1], 1, 3, padding=1))
        self.enlarge = nn.Sequential(*enlarging)
        self.reduce = nn.Sequential(*reducing)

    def forward(self, stack: torch.Tensor) -> torch.Tensor:
        """Logits of the prior: (B, K, h, w) to (B, 1, h, w)."""
        stack = stack.to(next(self.parameters()).dtype)
        logits: torch.Tensor = self.reduce(self.enlarge(stack))
        return logits
