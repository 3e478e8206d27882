"""Test-time augmentation: average the predictions of several views of a window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch

from fewscape.ops.resize import resize_maps

Flips = Literal["none", "h", "hv", "d4"]

FLIPS: dict[Flips, tuple[tuple[bool, int], ...]] = {
    "none": ((False, 0),),
    "h": ((False, 0), (True, 0)),
    "hv": ((False, 0), (True, 0), (False, 2), (True, 2)),
    "d4": tuple((mirrored, turns) for mirrored in (False, True) for turns in range(4)),
}
"""Views by name, as a horizontal flip followed by quarter turns; ``hv`` has both flips and the half
turn, ``d4`` all eight symmetries of a square."""


def average_views(
    predict: Callable[[torch.Tensor], torch.Tensor],
    windows: torch.Tensor,
    flips: Flips = "none",
    scales: Sequence[float] = (1.0,),
    multiple: int = 1,
) -> torch.Tensor:
    """Mean of the scores of all views, each transformed back and resized to the original.

    All flips of a scale form one batch.

    Args:
        predict: maps (B, C, H, W) to scores (B, K, H / s, W / s), before any softmax.
        windows: (B, C, H, W), square for ``d4``.
        flips: views of each scale.
        scales: factors of the windows' size; 1 is the original.
        multiple: scaled sides are rounded to multiples of this.

    Returns:
        (B, K, H / s, W / s) at the resolution of the original size.

    Examples:
        >>> average_views(lambda windows: windows, torch.eye(2)[None, None], "h")[0, 0].tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    views = FLIPS[flips]
    height, width = windows.shape[2:]
    total: torch.Tensor | None = None
    for scale in sorted(scales, key=lambda own: abs(own - 1)):  # the original size first
        size = tuple(max(1, round(scale * side / multiple)) * multiple for side in (height, width))
        scaled = resize_maps(windows, (size[0], size[1]), antialias=scale < 1)
        turned = torch.cat([turn(scaled, *view) for view in views])
        answers = predict(turned).chunk(len(views))
        back = [_turn_back(answer, *view) for answer, view in zip(answers, views, strict=True)]
        mean = torch.stack(back).mean(dim=0)
        if total is None:
            own = round(mean.shape[2] * height / size[0]), round(mean.shape[3] * width / size[1])
            total = mean.new_zeros(*mean.shape[:2], *own)
        total = total + resize_maps(mean, (total.shape[2], total.shape[3]))
    assert total is not None
    return total / len(scales)


def turn(maps: torch.Tensor, is_mirrored: bool, turns: int) -> torch.Tensor:
    """Apply a view of ``FLIPS``: an optional horizontal flip, then quarter turns.

    Args:
        maps: (..., H, W).
        is_mirrored: whether to reverse the columns first.
        turns: quarter turns, counter-clockwise.

    Examples:
        >>> turn(torch.tensor([[1, 2], [3, 4]]), True, 1).tolist()
        [[1, 3], [2, 4]]
    """
    return torch.rot90(maps.flip(-1) if is_mirrored else maps, turns, dims=(-2, -1))


def _turn_back(maps: torch.Tensor, is_mirrored: bool, turns: int) -> torch.Tensor:
    upright = torch.rot90(maps, -turns, dims=(-2, -1))
    return upright.flip(-1) if is_mirrored else upright
