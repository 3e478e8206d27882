"""One few-shot task, or a batch of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch

IGNORE = 255
"""The value of unknown pixels in masks and labels."""


@dataclass(slots=True)
class Episode:
    """A query to segment and the annotated supports that define the class.

    Shapes are those of a batch; ``Episode.stack`` makes one from single episodes of batch 1.
    All images of a batch have the same size.
    """

    query_image: torch.Tensor
    """(B, 3, H, W) uint8, or float in [0, 1]."""
    query_mask: torch.Tensor
    """(B, H, W) uint8: 1 the class, 0 not the class, 255 unknown."""
    support_images: torch.Tensor
    """(B, S, 3, H, W), as ``query_image``."""
    support_masks: torch.Tensor
    """(B, S, H, W), as ``query_mask``."""
    class_id: torch.Tensor
    """(B,) int64, class id in the data set."""
    query_regions: torch.Tensor | None = None
    """(B, H, W) int32, -1 for no region."""
    support_regions: torch.Tensor | None = None
    """(B, S, H, W) int32."""
    query_labels: torch.Tensor | None = None
    """(B, H, W) uint8, all classes of the query; only auxiliary losses read it."""

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Episode:
        """Move the episode to another device."""
        moved = {
            field.name: value.to(device, non_blocking=non_blocking)
            for field in fields(self)
            if (value := getattr(self, field.name)) is not None
        }
        return replace(self, **moved)

    def pin_memory(self) -> Episode:
        """Copy the episode to page-locked memory, for asynchronous copies to a GPU."""
        pinned = {
            field.name: value.pin_memory()
            for field in fields(self)
            if (value := getattr(self, field.name)) is not None
        }
        return replace(self, **pinned)

    @property
    def num_shots(self) -> int:
        """Number of supports per query."""
        return self.support_images.shape[1]

    @staticmethod
    def stack(episodes: Sequence[Episode]) -> Episode:
        """Stack episodes into one batch; a field absent in one is absent in the result."""
        joined: dict[str, Any] = {}
        for field in fields(Episode):
            parts = [getattr(episode, field.name) for episode in episodes]
            joined[field.name] = None if any(p is None for p in parts) else torch.cat(parts)
        return Episode(**joined)
