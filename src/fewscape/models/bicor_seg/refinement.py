"""HBIS: class embeddings and a feature map refine each other (BiCoR-Seg, section on HBIS)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from fewscape.ops import widen

MIN_PIXELS = 64
"""Minimum number of pixels that a class is pooled from."""
BLEND = 0.5
"""Share of the modulated features in the new ones."""
EPSILON = 1e-6
"""Added to sums of confidences before dividing."""


class MutualRefinement(nn.Module):
    """One HBIS layer. No weight belongs to a class, so it works for any number of classes.

    Both directions use exact shortcuts: features are pooled before they are projected, since the
    projection has no bias; and scales and shifts are mixed before they are applied, so that no
    tensor has classes, channels and pixels at once.

    Args:
        width: C of the features and D of the embeddings.
        topk_ratio: share of the most confident pixels that a class is pooled from; 1 for all.
        min_pixels: minimum number of these pixels.
    """

    def __init__(self, width: int, topk_ratio: float = 1.0, min_pixels: int = MIN_PIXELS) -> None:
        super().__init__()
        self.topk_ratio = topk_ratio
        self.min_pixels = min_pixels
        self.to_features = nn.Linear(width, width, bias=False)
        self.to_classes = nn.Linear(width, width, bias=False)
        self.gate = nn.Sequential(
            nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, width), nn.Sigmoid()
        )
        self.candidate = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.scale = nn.Linear(width, width)
        self.shift = nn.Linear(width, width)
        self.norm_features = nn.LayerNorm(width)
        self.norm_classes = nn.LayerNorm(width)

    def forward(
        self, classes: torch.Tensor, features: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Refine embeddings and features; also return the heatmap's logits.

        Args:
            classes: (B, N, C) embeddings.
            features: (B, S, C) vectors of the pixels.

        Returns:
            (B, N, C), (B, S, C) and the heatmap's logits (B, N, S).
        """
        even_features, even_classes = self.norm_features(features), self.norm_classes(classes)
        queries = self.to_features(even_classes)  # (B, N, C)
        heat = torch.matmul(queries, even_features.transpose(1, 2)) / features.shape[2] ** 0.5
        pooled = torch.matmul(self.weigh(heat).to(features.dtype), even_features)
        new_classes = self.update(classes, even_classes, self.to_classes(pooled))
        return new_classes, self.modulate(features, new_classes, heat), heat

    def update(
        self, classes: torch.Tensor, even_classes: torch.Tensor, context: torch.Tensor
    ) -> torch.Tensor:
        """F2CE: update embeddings (B, N, C) with their context (B, N, C)."""
        gate = self.gate(torch.cat([even_classes, context], dim=2))
        blended: torch.Tensor = gate * self.candidate(context) + (1 - gate) * classes
        return blended

    @torch.no_grad()
    def weigh(self, heat: torch.Tensor) -> torch.Tensor:
        """Weights (B, N, S) float32 of the pixels that a class is pooled from, sum one.

        If no pixel is confident, all count. There is no gradient, as published.
        """
        confidence = widen(heat).sigmoid()
        total = heat.shape[2]
        kept = min(total, max(self.min_pixels, round(self.topk_ratio * total)))
        if kept == total:
            return confidence / (confidence.sum(dim=2, keepdim=True) + EPSILON)
        largest, where = confidence.topk(kept, dim=2)
        chosen = torch.zeros_like(confidence).scatter(2, where, largest)
        some = chosen.sum(dim=2, keepdim=True)
        every = confidence.sum(dim=2, keepdim=True)
        return torch.where(
            some > EPSILON, chosen / (some + EPSILON), confidence / (every + EPSILON)
        )

    def modulate(
        self, features: torch.Tensor, classes: torch.Tensor, heat: torch.Tensor
    ) -> torch.Tensor:
        """CE2F: scale and shift features (B, S, C) by their classes (B, N, C)."""
        mixture = widen(heat).softmax(dim=1).to(features.dtype).transpose(1, 2)  # (B, S, N)
        scale = torch.matmul(mixture, 1 + torch.tanh(self.scale(classes)))
        shift = torch.matmul(mixture, self.shift(classes))
        return torch.lerp(features, scale * features + shift, BLEND)


class Refined(NamedTuple):
    """The result of a stack of refinement layers."""

    features: torch.Tensor
    """(B, C, h, w)."""
    embeddings: list[torch.Tensor]
    """(B, N, C) after each layer."""
    heats: list[torch.Tensor]
    """(B, N, h, w) logits of each layer."""


def refine(layers: nn.ModuleList, classes: torch.Tensor, fused: torch.Tensor) -> Refined:
    """Run a stack of refinement layers.

    Args:
        layers: each a ``MutualRefinement``.
        classes: (B, N, C) embeddings.
        fused: (B, C, h, w).
    """
    rows = fused.flatten(2).transpose(1, 2)  # (B, S, C)
    embeddings, heats = [], []
    for layer in layers:
        classes, rows, heat = layer(classes, rows)
        embeddings.append(classes)
        heats.append(heat.view(*heat.shape[:2], *fused.shape[2:]))
    return Refined(rows.transpose(1, 2).reshape(fused.shape), embeddings, heats)


def classify(maps: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Logits (B, N, H, W) of maps (B, C, H, W) by weights (B, N, C) of their own."""
    logits = torch.matmul(weights, maps.flatten(2))
    return logits.view(*weights.shape[:2], *maps.shape[2:])


class LinearPyramid(nn.Module):
    """Levels projected to one width, upsampled, concatenated and mixed by one matrix.

    All steps are linear and matrices commute with bilinear resizing, so the two matrices of a level
    are multiplied first and applied at the level's own resolution.

    Args:
        channels: C of each level, fine to coarse.
        width: channels of the result.
    """

    def __init__(self, channels: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.projections = nn.ModuleList(nn.Linear(own, width) for own in channels)
        self.mix = nn.Conv2d(len(channels) * width, width, 1, bias=False)

    def forward(self, maps: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """(B, C, h, w) of each level to (B, width, H, W) of the finest."""
        size = (maps[0].shape[2], maps[0].shape[3])
        coarsest_first = self.mix.weight[:, :, 0, 0].chunk(len(maps), dim=1)
        fused = torch.zeros(())
        for grid, projection, mix in zip(
            maps, self.projections, reversed(coarsest_first), strict=True
        ):
            assert isinstance(projection, nn.Linear)
            weight = torch.matmul(mix, projection.weight)
            level = F.conv2d(grid, weight[:, :, None, None], torch.mv(mix, projection.bias))
            fused = fused + F.interpolate(level, size, mode="bilinear", align_corners=False)
        return fused


class ShuffleUpsampler(nn.Module):
    """(B, C, h, w) to (B, C / 16, 4 h, 4 w) by two pixel shuffles.

    Args:
        width: C, a multiple of 16.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width // 4, eps=1e-6)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """See the class."""
        doubled = F.pixel_shuffle(maps, 2)
        even = F.gelu(self.norm(doubled.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        return F.gelu(F.pixel_shuffle(even, 2))
