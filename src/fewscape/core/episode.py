"""One few-shot task, or a batch of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch

IGNORE = 255
"""The value of a mask or of labels where nothing is known."""


@dataclass(slots=True)
class Episode:
    """A query to segment and the annotated supports that say which class is meant.

    Shapes are those of a batch; ``Episode.stack`` makes one from single episodes of batch 1.
    All images of a batch have one size.
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
    """(B,) int64, the class in the numbering of the data set."""
    query_regions: torch.Tensor | None = None
    """(B, H, W) int32, -1 where there is no region."""
    support_regions: torch.Tensor | None = None
    """(B, S, H, W) int32."""
    query_labels: torch.Tensor | None = None
    """(B, H, W) uint8, all classes of the query; only auxiliary losses read it."""

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Episode:
        """The same episode on another device."""
        moved = {
            field.name: value.to(device, non_blocking=non_blocking)
            for field in fields(self)
            if (value := getattr(self, field.name)) is not None
        }
        return replace(self, **moved)

    def pin_memory(self) -> Episode:
        """The same episode in page-locked memory, for asynchronous copies to a GPU."""
        pinned = {
            field.name: value.pin_memory()
            for field in fields(self)
            if (value := getattr(self, field.name)) is not None
        }
        return replace(self, **pinned)

    @property
    def num_shots(self) -> int:
        """Supports of each query."""
        return self.support_images.shape[1]

    @staticmethod
    def stack(episodes: Sequence[Episode]) -> Episode:
        """One batch from several; a field that is absent in one is absent in the result."""
        joined: dict[str, Any] = {}
        for field in fields(Episode):
            parts = [getattr(episode, field.name) for episode in episodes]
            joined[field.name] = None if any(p is None for p in parts) else torch.cat(parts)
        return Episode(**joined)
