"""Rotated and flipped supports: one annotated image gives eight views."""

from __future__ import annotations

import torch

from fewscape.core import Features
from fewscape.models.base import Embed, FewShotModel
from fewscape.ops import FLIPS, Flips, turn


class TurnedModel(FewShotModel):
    """A network that learns from every view of a support.

    Views are encoded when a support is learned, from pixels kept in the features, so only supports
    cost more, and the backbone's maps of queries can still be cached.
    """

    views: Flips

    def encode(
        self,
        images: torch.Tensor,
        regions: torch.Tensor | None = None,
        embed: Embed | None = None,
    ) -> Features:
        """See ``FewShotModel``; keeps the images if supports are rotated."""
        features = super().encode(images, regions, embed)
        if self.views != "none":
            features.extra["images"] = images
        return features

    def turn_support(
        self, features: Features, masks: torch.Tensor
    ) -> list[tuple[Features, torch.Tensor]]:
        """Features and masks of every view, the original first.

        Args:
            features: features of the support images.
            masks: (B, H, W).
        """
        found = [(features, masks)]
        for view in FLIPS[self.views][1:]:
            images = turn(features.extra["images"], *view)
            size = (images.shape[2], images.shape[3])
            maps = self.enhance(Features(self.backbone(images), size))
            found.append((maps, turn(masks, *view)))
        return found
