"""Cross-entropy of a binary segmentation, at the resolution of its logits."""

from __future__ import annotations

import torch

from fewscape.core import check_shape
from fewscape.ops import average_mask


def share_cross_entropy(
    logits: torch.Tensor, masks: torch.Tensor, balanced: bool = False
) -> torch.Tensor:
    """Mean cross-entropy over all known pixels of the masks.

    Logits coarser than the masks are compared with the shares of foreground and background in their
    cells, which equals nearest-neighbour upsampling. At equal resolution this is the plain
    two-class cross-entropy of the papers (MGCL, section III-E) without unknown pixels. Computed in
    float32; zero without known pixels.

    Args:
        logits: (B, 2, h, w), background and foreground.
        masks: (B, H, W) with 0, 1 and 255, H and W multiples of h and w.
        balanced: weight foreground and background of each image equally, however many pixels they
            have. The network then does not learn the object sizes of its training classes, which do
            not transfer to new classes.

    Returns:
        A scalar.

    Examples:
        >>> logits = torch.zeros(1, 2, 1, 1)
        >>> round(share_cross_entropy(logits, torch.ones(1, 2, 2, dtype=torch.uint8)).item(), 4)
        0.6931
    """
    sizes = check_shape(logits, "B 2 H W", "logits")
    foreground, background = average_mask(masks, (sizes["H"], sizes["W"]))
    log_shares = torch.log_softmax(logits.float(), dim=1)
    if balanced:
        background, foreground = _to_mean(background), _to_mean(foreground)
    agreement = background * log_shares[:, 0] + foreground * log_shares[:, 1]
    return -agreement.sum() / (foreground + background).sum().clamp(min=1)


def _to_mean(shares: torch.Tensor) -> torch.Tensor:
    """Weights (B, h, w) of one side that sum to one per image; zeros if it is absent."""
    total = shares.sum(dim=(1, 2), keepdim=True)
    return shares / total.clamp(min=torch.finfo(shares.dtype).tiny)
