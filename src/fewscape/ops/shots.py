"""Rules that fuse the predictions of several shots."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch

from fewscape.core import check_shape

ShotFusion = Literal["vote", "vote_half", "mean_logit"]

VOTE_SHARE = 0.4
"""Share of the image's largest vote from which a pixel is foreground (MGCL)."""
VOTE_HALF = 0.5
"""The same for HSNet."""

ROUNDING = 1e-6
"""Tolerance below the limit; shares are fractions of small integers."""


def mean_logit(logits: torch.Tensor) -> torch.Tensor:
    """Mean over the shots: (S, B, 2, H, W) to (B, 2, H, W)."""
    return logits.mean(dim=0)


def vote(logits: torch.Tensor, limit: float = VOTE_SHARE) -> torch.Tensor:
    """Scores whose larger channel is the published vote (MGCL, HSNet).

    Every shot votes; a pixel is foreground if its votes reach ``limit`` times the largest vote in
    the image (at least 1). Channel 1 holds the pixel's share, channel 0 the share to exceed. A
    single shot keeps its logits.

    Args:
        logits: (S, B, 2, H, W), background and foreground, at the resolution of the decision.
        limit: the share, 0.4 in MGCL and 0.5 in HSNet.

    Returns:
        (B, 2, H, W) float32.
    """
    if logits.shape[0] == 1:
        return logits[0]
    votes = (logits[:, :, 1] > logits[:, :, 0]).sum(dim=0).float()  # (B, H, W)
    most = votes.amax(dim=(1, 2), keepdim=True).clamp(min=1)
    share = votes / most
    needed = torch.full_like(share, limit - ROUNDING)
    return torch.stack([needed, share], dim=1)


SHOT_FUSIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "mean_logit": mean_logit,
    "vote": vote,
    "vote_half": partial(vote, limit=VOTE_HALF),
}


def fuse_shots(logits: list[torch.Tensor], rule: ShotFusion) -> torch.Tensor:
    """Fuse S predictions (B, 2, H, W) by a named rule.

    Examples:
        >>> shots = [torch.zeros(1, 2, 4, 4), torch.ones(1, 2, 4, 4)]
        >>> fuse_shots(shots, "mean_logit").mean().item()
        0.5
    """
    stacked = torch.stack(logits)
    check_shape(stacked, "S B 2 H W", "logits of the shots")
    return SHOT_FUSIONS[rule](stacked)
