"""New colours for a whole episode: classes that the training data do not have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch

SATURATION = (0.0, 2.0)
GAMMA = (0.6, 1.6)


@dataclass(frozen=True, slots=True)
class Recolour:
    """Turns the hue, changes the saturation and bends the tones of images, all in the same way.

    Applied to the query and the supports of an episode alike, it leaves the comparison between
    them true and takes away what a network could know of a class by heart: grass may be violet
    and water orange, so only the supports say what is sought.
    """

    matrix: npt.NDArray[np.float32]
    """(3, 3) from RGB to RGB; grey stays grey."""
    gamma: float
    """Exponent of the brightness in [0, 1]."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Any hue angle, a saturation of 0 to 2 and a gamma of 0.6 to 1.6, all equally likely."""
        angle, saturation = rng.uniform(0, 2 * np.pi), rng.uniform(*SATURATION)
        return cls(_turn_hue(angle, saturation), float(rng.uniform(*GAMMA)))

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """(3, H, W) uint8 to the same."""
        pixels = torch.from_numpy(self.matrix) @ (image.flatten(1).float() / 255)
        bent = pixels.clamp_(0, 1).pow_(self.gamma) * 255
        return bent.round_().to(torch.uint8).view_as(image)


def _turn_hue(angle: float, saturation: float) -> npt.NDArray[np.float32]:
    """Rotation about the grey axis (Rodrigues' formula) after stretching away from it."""
    axis = np.full(3, 1 / np.sqrt(3))
    grey = np.outer(axis, axis)
    across = np.cross(np.eye(3), -axis)  # across @ v is axis x v
    turned = np.cos(angle) * (np.eye(3) - grey) + np.sin(angle) * across
    return np.asarray(grey + saturation * turned, np.float32)
