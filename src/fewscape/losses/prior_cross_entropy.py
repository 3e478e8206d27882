"""Binary cross-entropy between a coarse prior and the mask that it predicts."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from fewscape.core import IGNORE, check_shape
from fewscape.ops import resize_maps


def prior_cross_entropy(
    logits: torch.Tensor, masks: torch.Tensor, double_sigmoid: bool = False
) -> torch.Tensor:
    """Mean binary cross-entropy of the upsampled prior over all known pixels (ICPD-Net, L_clip).

    Args:
        logits: (B, h, w) before the sigmoid.
        masks: (B, H, W) with 0, 1 and 255.
        double_sigmoid: upsample the probabilities and treat them as logits again, as published. The
            loss then never falls below 0.69 on the background and 0.31 on the foreground, and is
            biased towards the background.

    Returns:
        A scalar; zero without known pixels.

    Examples:
        >>> round(prior_cross_entropy(torch.zeros(1, 2, 2), torch.ones(1, 4, 4)).item(), 4)
        0.6931
    """
    check_shape(logits, "B H W", "logits")
    sizes = check_shape(masks, "B H W", "masks")
    coarse = logits.float()[:, None]
    coarse = coarse.sigmoid() if double_sigmoid else coarse
    enlarged = resize_maps(coarse, (sizes["H"], sizes["W"]))[:, 0]
    known = (masks != IGNORE).float()
    each = F.binary_cross_entropy_with_logits(enlarged, (masks == 1).float(), reduction="none")
    return (each * known).sum() / known.sum().clamp(min=1)
