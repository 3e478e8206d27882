"""Cross-entropy that gives small objects more weight (PCFNet, ICPD-Net)."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from fewscape.core import check_shape
from fewscape.ops import average_mask

EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)


def scale_weights(masks: torch.Tensor, truncate: bool = False) -> torch.Tensor:
    """Pixel weights: ``1 - ln(A / (H * W))`` on every connected object of area A, one elsewhere.

    Objects are 8-connected. They are found on the CPU, so masks on another device are copied there
    and back.

    Args:
        masks: (B, H, W) with 0, 1 and 255.
        truncate: round down to integers, as published by accident.

    Returns:
        (B, H, W) float32 on the masks' device.

    Examples:
        >>> mask = torch.zeros(1, 256, 256, dtype=torch.uint8)
        >>> mask[0, :10, :10] = 1
        >>> round(scale_weights(mask).max().item(), 2)
        7.49
    """
    check_shape(masks, "B H W", "masks")
    weights = np.stack([_weigh(mask) for mask in (masks == 1).cpu().numpy()])
    on_device = torch.from_numpy(weights).to(masks.device)
    return on_device.floor() if truncate else on_device


def scale_cross_entropy(
    logits: torch.Tensor, masks: torch.Tensor, truncate: bool = False
) -> torch.Tensor:
    """Mean over all known pixels of the cross-entropy times ``scale_weights``.

    The sum is divided by the number of pixels, not by the sum of the weights. Logits coarser than
    the masks apply to every pixel of their cell, as in ``share_cross_entropy``. Computed in
    float32; zero without known pixels.

    Args:
        logits: (B, 2, h, w), background and foreground.
        masks: (B, H, W) with 0, 1 and 255, H and W multiples of h and w.
        truncate: see ``scale_weights``.

    Returns:
        A scalar.

    Examples:
        >>> logits = torch.zeros(1, 2, 4, 4)
        >>> round(scale_cross_entropy(logits, torch.ones(1, 8, 8, dtype=torch.uint8)).item(), 4)
        0.6931
    """
    sizes = check_shape(logits, "B 2 H W", "logits")
    size = (sizes["H"], sizes["W"])
    foreground, background = average_mask(masks, size)
    weighted = F.adaptive_avg_pool2d(scale_weights(masks, truncate) * (masks == 1), size)
    log_shares = torch.log_softmax(logits.float(), dim=1)
    agreement = background * log_shares[:, 0] + weighted * log_shares[:, 1]
    return -agreement.sum() / (foreground + background).sum().clamp(min=1)


def _weigh(mask: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    objects, _ = ndimage.label(mask, EIGHT_NEIGHBOURS)
    areas = np.bincount(objects.ravel())
    areas[0] = mask.size  # background has the weight of an object that fills the image: one
    by_object = (1 - np.log(areas / mask.size)).astype(np.float32)
    weights: np.ndarray = by_object[objects]
    return weights
