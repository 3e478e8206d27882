"""Pixel-wise losses for several classes."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from fewscape.core import IGNORE, check_shape
from fewscape.ops import widen

LABEL_SMOOTHING = 0.05
DICE_SMOOTHING = 0.05
MIN_AREA = 1e-7


def class_cross_entropy(
    logits: torch.Tensor,
    labels: torch.Tensor,
    smoothing: float = LABEL_SMOOTHING,
    legacy_mean: bool = False,
) -> torch.Tensor:
    """Cross-entropy with smoothed labels (GeoSeg's soft cross-entropy, BiCoR-Seg's J).

    Args:
        logits: (B, N, H, W).
        labels: (B, H, W) class of each pixel, 255 unknown.
        smoothing: share of the target that is spread over all classes.
        legacy_mean: divide by all pixels, as published, so that unknown pixels shrink the loss;
            otherwise by the known ones.

    Returns:
        A scalar, float32 or wider; zero without known pixels.

    Examples:
        >>> labels = torch.tensor([[[0, 255]]])
        >>> round(class_cross_entropy(torch.zeros(1, 2, 1, 2), labels).item(), 4)
        0.6931
        >>> round(class_cross_entropy(torch.zeros(1, 2, 1, 2), labels, 0.05, True).item(), 4)
        0.3466
    """
    sizes = check_shape(logits, "B N H W", "logits")
    check_shape(labels, "B H W", "labels", H=sizes["H"], W=sizes["W"])
    known = labels != IGNORE
    total = F.cross_entropy(
        widen(logits),
        labels.long(),
        ignore_index=IGNORE,
        reduction="sum",
        label_smoothing=smoothing,
    )
    count = labels.numel() if legacy_mean else known.sum().clamp(min=1)
    return total / count


def class_dice(
    logits: torch.Tensor,
    labels: torch.Tensor,
    smoothing: float = DICE_SMOOTHING,
    count_absent: bool = False,
) -> torch.Tensor:
    """One minus the Dice coefficient of each class over the whole batch, averaged.

    Args:
        logits: (B, N, H, W).
        labels: (B, H, W) class of each pixel, 255 unknown.
        smoothing: added to numerator and denominator.
        count_absent: count classes absent from the batch as zero in the mean, as published;
            otherwise skip them.

    Returns:
        A scalar in [0, 1], float32 or wider; zero where nothing is known.

    Examples:
        >>> logits = torch.tensor([30.0, -30.0]).view(1, 2, 1, 1)
        >>> class_dice(logits, torch.zeros(1, 1, 1, dtype=torch.uint8)).item()
        0.0
    """
    sizes = check_shape(logits, "B N H W", "logits")
    check_shape(labels, "B H W", "labels", H=sizes["H"], W=sizes["W"])
    known = (labels != IGNORE)[:, None]
    shares = widen(logits).softmax(dim=1) * known
    truth = _one_hot(labels, sizes["N"]).to(shares.dtype)
    overlap = (shares * truth).sum(dim=(0, 2, 3))
    areas = truth.sum(dim=(0, 2, 3))
    both = shares.sum(dim=(0, 2, 3)) + areas
    losses = 1 - (2 * overlap + smoothing) / (both + smoothing).clamp(min=MIN_AREA)
    is_present = areas > 0
    count = sizes["N"] if count_absent else is_present.sum().clamp(min=1)
    return (losses * is_present).sum() / count


def find_present(labels: torch.Tensor, num_classes: int) -> torch.Tensor:
    """Find the classes (B, N) bool in the labels (B, H, W) of each image.

    Examples:
        >>> find_present(torch.tensor([[[2, 255]]]), 3).tolist()
        [[False, False, True]]
    """
    return _one_hot(labels, num_classes).flatten(2).any(dim=2)


def _one_hot(labels: torch.Tensor, num_classes: int) -> torch.Tensor:
    """One-hot labels (B, N, H, W) bool; unknown pixels have no class."""
    ids = torch.arange(num_classes, device=labels.device).view(1, -1, 1, 1)
    return labels[:, None] == ids
