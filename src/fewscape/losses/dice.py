"""Dice loss of the foreground (Milletari et al. 2016, V-Net)."""

from __future__ import annotations

import torch

from fewscape.core import check_shape
from fewscape.ops import average_mask

SMOOTHING = 1.0
"""Pixels added to both areas, so that an empty mask gives a finite loss and gradient."""


def share_dice(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """One minus the soft Dice coefficient of the foreground, averaged over the batch.

    Unlike in cross-entropy, every image has the same weight, however large its object. Unknown
    pixels are ignored. Computed in float32.

    Args:
        logits: (B, 2, h, w), background and foreground.
        masks: (B, H, W) with 0, 1 and 255.

    Returns:
        A scalar in [0, 1].

    Examples:
        >>> logits = torch.tensor([-20.0, 20.0]).view(1, 2, 1, 1).expand(1, 2, 8, 8)
        >>> round(share_dice(logits, torch.ones(1, 8, 8, dtype=torch.uint8)).item(), 3)
        0.0
    """
    sizes = check_shape(logits, "B 2 H W", "logits")
    foreground, background = average_mask(masks, (sizes["H"], sizes["W"]))
    predicted = torch.softmax(logits.float(), dim=1)[:, 1] * (foreground + background)
    overlap = (predicted * foreground).sum(dim=(1, 2))
    areas = predicted.sum(dim=(1, 2)) + foreground.sum(dim=(1, 2))
    return (1 - (2 * overlap + SMOOTHING) / (areas + SMOOTHING)).mean()
