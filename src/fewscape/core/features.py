"""The data passed between the steps of a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch


@dataclass(slots=True)
class Features:
    """A network's encoding of a batch of images, before it sees a support."""

    maps: tuple[torch.Tensor, ...]
    """(B, C, H, W) of each level, fine to coarse."""
    size: tuple[int, int]
    """Height and width of the images in pixels."""
    regions: torch.Tensor | None = None
    """(B, H, W) int32 at the images' resolution, -1 for no region."""
    extra: dict[str, torch.Tensor] = field(default_factory=dict)
    """Additional tensors of a network; the first axis is the batch."""

    @property
    def batch(self) -> int:
        """Number of images."""
        return self.maps[0].shape[0]

    def _map(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Features:
        return replace(
            self,
            maps=tuple(change(level) for level in self.maps),
            regions=None if self.regions is None else change(self.regions),
            extra={name: change(tensor) for name, tensor in self.extra.items()},
        )

    def __getitem__(self, item: slice | torch.Tensor) -> Features:
        """Select images of the batch."""
        return self._map(lambda tensor: tensor[item])

    def to(self, device: torch.device | str) -> Features:
        """Move the features to another device."""
        return self._map(lambda tensor: tensor.to(device))


@dataclass(slots=True)
class Support:
    """What a network learned about one class from one shot: a plain container of tensors.

    The first axis of every tensor is the batch: 1 for a support that serves any number of
    queries, B for a batch of episodes.
    """

    tensors: dict[str, torch.Tensor]

    def __getitem__(self, name: str) -> torch.Tensor:
        return self.tensors[name]

    def to(self, device: torch.device | str) -> Support:
        """Move the support to another device."""
        return Support({name: tensor.to(device) for name, tensor in self.tensors.items()})

    def save(self, path: Path | str) -> None:
        """Write the tensors as safetensors."""
        from safetensors.torch import save_file

        save_file({name: tensor.contiguous() for name, tensor in self.tensors.items()}, path)

    @classmethod
    def load(cls, path: Path | str) -> Support:
        """Load the file of ``save``."""
        from safetensors.torch import load_file

        return cls(load_file(path))


@dataclass(slots=True)
class Output:
    """Scores of a network at a declared stride, and auxiliary maps."""

    logits: torch.Tensor
    """(B, K, H / stride, W / stride); for few-shot models K = 2: background, foreground."""
    size: tuple[int, int]
    """Height and width of the images in pixels, for upsampling the logits."""
    maps: Mapping[str, torch.Tensor] = field(default_factory=dict)
    """Named auxiliary maps (B, C, h, w): priors, correlations, intermediate predictions."""
