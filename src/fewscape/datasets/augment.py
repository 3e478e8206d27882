"""Augmentation: rotations, flips and brightness changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True, slots=True)
class Augment:
    """Flips and quarter turns, which aerial views allow, and mild brightness changes.

    Non-square images are rotated only by half turns.
    """

    turn: bool = True
    """Mirror and turn."""
    brightness: float = 0.2
    """Maximum relative change of brightness; 0 for none."""
    contrast: float = 0.2
    """Likewise for contrast, around the mean of the image."""
    saturation: float = 0.2
    """Likewise for saturation, around the grey value of each pixel."""
    tint: float = 0.05
    """Likewise for each band separately."""

    def __call__(
        self, rng: np.random.Generator, image: torch.Tensor, *maps: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """Augment an image and its maps.

        Args:
            rng: random generator; the draws do not depend on the input.
            image: (3, H, W) uint8.
            *maps: (H, W) of any dtype; transformed with the image, values unchanged.

        Returns:
            The augmented image and maps, contiguous.
        """
        is_mirrored, turns = bool(rng.integers(2)), int(rng.integers(4))
        factors = rng.uniform(-1, 1, size=6)
        moved = [image, *maps]
        if self.turn:
            if image.shape[1] != image.shape[2]:
                turns = turns // 2 * 2
            moved = [_move(tensor, is_mirrored, turns) for tensor in moved]
        return self._relight(moved[0], factors), *moved[1:]

    def _relight(self, image: torch.Tensor, factors: np.ndarray) -> torch.Tensor:
        if not any((self.brightness, self.contrast, self.saturation, self.tint)):
            return image
        pixels = image.float()
        grey = pixels.mean(dim=0, keepdim=True)
        pixels = grey + (pixels - grey) * (1 + self.saturation * float(factors[0]))
        mean = grey.mean()
        pixels = mean + (pixels - mean) * (1 + self.contrast * float(factors[1]))
        tints = 1 + self.tint * torch.from_numpy(factors[3:]).float()
        pixels = pixels * (1 + self.brightness * float(factors[2])) * tints[:, None, None]
        return pixels.round_().clamp_(0, 255).to(torch.uint8)


def _move(tensor: torch.Tensor, is_mirrored: bool, turns: int) -> torch.Tensor:
    mirrored = tensor.flip(-1) if is_mirrored else tensor
    return torch.rot90(mirrored, turns, dims=(-2, -1)).contiguous()
