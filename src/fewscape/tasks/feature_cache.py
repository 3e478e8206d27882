"""Maps of a frozen backbone, kept for images that come again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import torch

from fewscape.backbones import Backbone

BYTES_PER_GIGABYTE = 2**30


class FeatureCache:
    """Calls a backbone only for images that it has not seen lately.

    Images are told apart by their pixels, so any order, window or augmentation may come. Maps are
    kept on the CPU in bfloat16; the least recently used go first.

    Args:
        backbone: frozen, in evaluation mode.
        gigabytes: memory that the maps may take.
    """

    def __init__(self, backbone: Backbone, gigabytes: float) -> None:
        self.backbone = backbone
        self.limit = int(gigabytes * BYTES_PER_GIGABYTE)
        self.size = 0
        self.hits = 0
        self._kept: OrderedDict[bytes, tuple[torch.Tensor, ...]] = OrderedDict()

    def __call__(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The backbone's maps (B, C, h, w), rounded to bfloat16, in its own dtype.

        Args:
            images: (B, 3, H, W) uint8, or float in [0, 1].
        """
        keys = [_digest(image) for image in images]
        absent = list(dict.fromkeys(key for key in keys if key not in self._kept))
        self.hits += len(keys) - len(absent)
        current = {key: self._touch(key) for key in keys if key in self._kept}
        if absent:
            first = torch.tensor([keys.index(key) for key in absent])
            current |= self._encode(images[first.to(images.device)], absent)
        dtype = next(self.backbone.parameters()).dtype
        return tuple(
            torch.stack([current[key][level] for key in keys])
            .to(images.device, dtype)
            .contiguous(memory_format=torch.channels_last)
            for level in range(len(self.backbone.strides))
        )

    def _touch(self, key: bytes) -> tuple[torch.Tensor, ...]:
        self._kept.move_to_end(key)
        return self._kept[key]

    def _encode(
        self, images: torch.Tensor, keys: list[bytes]
    ) -> dict[bytes, tuple[torch.Tensor, ...]]:
        with torch.no_grad():
            maps = [level.to("cpu", torch.bfloat16) for level in self.backbone(images)]
        made = {
            key: tuple(level[index].clone() for level in maps) for index, key in enumerate(keys)
        }
        for key, levels in made.items():
            self._kept[key] = levels
            self.size += _num_bytes(levels)
        while self.size > self.limit and self._kept:
            _, oldest = self._kept.popitem(last=False)
            self.size -= _num_bytes(oldest)
        return made


def _digest(image: torch.Tensor) -> bytes:
    return hashlib.blake2b(image.contiguous().cpu().numpy().tobytes(), digest_size=16).digest()


def _num_bytes(levels: tuple[torch.Tensor, ...]) -> int:
    return sum(level.numel() * level.element_size() for level in levels)
