"""Colour, texture and what a frozen network sees, at two sizes of the image."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from fewscape.backbones import BackboneConfig
from fewscape.ops import multiscale_features, resize_maps

OTHER_STRIDES = (4, 8, 16)
"""Levels taken of a network of the user's."""

BACKBONE = BackboneConfig("tf_efficientnet_lite0", strides=(2, 4, 8, 16))
"""EfficientNet-Lite0 (Tan and Le, 2019) up to stride 16: small, and fast on processors."""

CELL = 2
"""Pixels per cell."""

ENLARGEMENT = 2
"""Of the image for the second pass. Objects of overhead imagery are small beside those of the
photographs that the network was trained on."""


class DeepFeatures(nn.Module):
    """Levels of a frozen pyramid beside features at many scales, on cells of 2 pixels.

    The network sees the image twice: as it is, without the coarsest level, which blurs small
    objects away, and enlarged by bicubic interpolation, with all levels. Vectors of each level have
    length one; coarse levels are enlarged.

    ``projection`` (D, D) is the metric in which features tell classes apart, for features with mean
    0 and deviation 1 over each scene; see ``train_metric``.

    Args:
        backbone: of colour images; the packaged one if not given. No metric was learned for
            another one, so ``projection`` stays a unit matrix.
    """

    projection: torch.Tensor

    def __init__(self, backbone: BackboneConfig | None = None) -> None:
        super().__init__()
        self.backbone = (backbone or BACKBONE).build(OTHER_STRIDES)
        channels = self.backbone.channels
        self.num_features = 7 * 3 + 15 + sum(channels[:-1]) + sum(channels)
        self.register_buffer("projection", torch.eye(self.num_features))

    def forward(self, images: torch.Tensor, scales: torch.Tensor | None = None) -> torch.Tensor:
        """(B, num_features, H / 2, W / 2): many scales, levels of the image, of the enlarged one.

        Args:
            images: (B, 3, H, W) in [0, 1], H and W multiples of 32.
            scales: their ``multiscale_features``, if those are known.
        """
        scales = multiscale_features(images, CELL) if scales is None else scales
        enlarged = F.interpolate(
            images, scale_factor=ENLARGEMENT, mode="bicubic", align_corners=False
        ).clamp(0, 1)
        levels = [*self.backbone(images)[:-1], *self.backbone(enlarged)]
        size = images.shape[2] // CELL, images.shape[3] // CELL
        seen = [resize_maps(F.normalize(level.float(), dim=1), size) for level in levels]
        return torch.cat([scales, *seen], dim=1)
