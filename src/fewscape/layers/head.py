"""From a map to logits."""

from __future__ import annotations

from torch import nn


class SegmentationHead(nn.Sequential):
    """Logits of one map: (B, width, H, W) to (B, 2, H, W) (PFENet and its descendants).

    Args:
        width: channels of the map.
    """

    def __init__(self, width: int) -> None:
        super().__init__(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.ReLU(inplace=True),
            nn.Dropout2d(0.1),
            nn.Conv2d(width, 2, 1),
        )
