"""Check the image size of a network."""

from __future__ import annotations

import torch

from fewscape.core import ShapeError


def check_window(images: torch.Tensor, multiple: int, name: str) -> tuple[int, int]:
    """Check and return height and width of a batch of images.

    Args:
        images: (B, 3, H, W).
        multiple: number that both must be multiples of.
        name: name of the network, for the message.

    Raises:
        ShapeError: one of them is not; the message suggests a valid size.
    """
    height, width = images.shape[-2:]
    if height % multiple or width % multiple:
        fitting = -(-max(height, width) // multiple) * multiple
        raise ShapeError(
            f"images of {height} x {width} pixels do not fit {name}",
            f"height and width must be multiples of {multiple}",
            f"pad or resize them, for example to {fitting} x {fitting}",
        )
    return height, width
