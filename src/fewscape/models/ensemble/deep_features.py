"""What a frozen network sees of a scene's colours, and how it varies within a class."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from fewscape.backbones import BackboneConfig
from fewscape.ops import multiscale_features, resize_maps

OTHER_STRIDES = (4, 8, 16)
"""Levels that are taken of another network."""

BACKBONE = BackboneConfig("tf_efficientnet_lite0", strides=(2, 4, 8, 16))
"""EfficientNet-Lite0 (Tan and Le, 2019) up to stride 16: small, and fast on processors. What lies
beyond blurs more than it tells."""

CELL = 2
"""Pixels per cell."""


class DeepFeatures(nn.Module):
    """Levels of a frozen pyramid beside features at many scales, on cells of 2 pixels.

    Vectors of each level have length one; coarse levels are enlarged. ``within`` is the mean
    covariance of these features within a class, over many scenes and classes whose features
    have mean 0 and deviation 1 over each scene: what was learnt of scenes in general, namely along
    which directions one kind of ground varies that a few polygons cannot show.

    Args:
        backbone: of colour images; the packaged one if not given. Nothing was learnt of another
            one, so that ``within`` stays a unit matrix.
    """

    within: torch.Tensor

    def __init__(self, backbone: BackboneConfig | None = None) -> None:
        super().__init__()
        self.backbone = (backbone or BACKBONE).build(OTHER_STRIDES)
        self.num_features = 7 * 3 + 15 + sum(self.backbone.channels)
        self.register_buffer("within", torch.eye(self.num_features))

    def forward(self, images: torch.Tensor, scales: torch.Tensor | None = None) -> torch.Tensor:
        """(B, num_features, H / 2, W / 2), those at many scales first.

        Args:
            images: (B, 3, H, W) in [0, 1], H and W multiples of 32.
            scales: their ``multiscale_features``, if those are known.
        """
        scales = multiscale_features(images, CELL) if scales is None else scales
        size = images.shape[2] // CELL, images.shape[3] // CELL
        levels = [F.normalize(level.float(), dim=1) for level in self.backbone(images)]
        enlarged = [resize_maps(level, size) for level in levels]
        return torch.cat([scales, *enlarged], dim=1)
