"""Cache the maps of a frozen backbone for repeated images."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Protocol

import torch

from fewscape.backbones import Backbone

BYTES_PER_GIGABYTE = 2**30

Maps = tuple[torch.Tensor, ...]
"""(C, h, w) bfloat16 of each level, on the CPU."""


class MapStore(Protocol):
    """Keeps the maps of images."""

    def get(self, key: bytes) -> Maps | None:
        """Maps of an image, or None if not cached."""

    def put(self, key: bytes, maps: Maps) -> None:
        """Cache the maps of an image, if there is room."""


class MemoryStore:
    """Maps in memory; the least recently used are evicted first.

    Args:
        gigabytes: memory limit.
    """

    def __init__(self, gigabytes: float) -> None:
        self.limit = int(gigabytes * BYTES_PER_GIGABYTE)
        self.size = 0
        self._kept: OrderedDict[bytes, Maps] = OrderedDict()

    def get(self, key: bytes) -> Maps | None:
        """Maps of an image, or None if not cached."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key]

    def put(self, key: bytes, maps: Maps) -> None:
        """Cache the maps of an image."""
        self._kept[key] = maps
        self.size += _num_bytes(maps)
        while self.size > self.limit and self._kept:
            _, oldest = self._kept.popitem(last=False)
            self.size -= _num_bytes(oldest)


class FeatureCache:
    """Calls a backbone only for images that are not cached.

    Images are identified by their pixels, so any order, window or augmentation works.

    Args:
        backbone: frozen, in evaluation mode.
        store: the cache.
    """

    def __init__(self, backbone: Backbone, store: MapStore) -> None:
        self.backbone = backbone
        self.store = store

    def __call__(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The backbone's maps (B, C, h, w), rounded to bfloat16, in its own dtype.

        Args:
            images: (B, 3, H, W) uint8, or float in [0, 1].
        """
        keys = [_digest(image) for image in images]
        current = {key: self.store.get(key) for key in dict.fromkeys(keys)}
        absent = [key for key, maps in current.items() if maps is None]
        if absent:
            first = torch.tensor([keys.index(key) for key in absent])
            current |= self._encode(images[first.to(images.device)], absent)
        levels = zip(*(current[key] for key in keys), strict=True)
        dtype = next(self.backbone.parameters()).dtype
        return tuple(
            torch.stack(maps).to(images.device, dtype).contiguous(memory_format=torch.channels_last)
            for maps in levels
        )

    def _encode(self, images: torch.Tensor, keys: list[bytes]) -> dict[bytes, Maps]:
        with torch.no_grad():
            maps = [level.to("cpu", torch.bfloat16) for level in self.backbone(images)]
        made = {
            key: tuple(level[index].clone() for level in maps) for index, key in enumerate(keys)
        }
        for key, levels in made.items():
            self.store.put(key, levels)
        return made


def _digest(image: torch.Tensor) -> bytes:
    pixels = image.contiguous().cpu().numpy()
    shape = str((pixels.shape, pixels.dtype)).encode()
    return hashlib.blake2b(pixels.tobytes() + shape, digest_size=16).digest()


def _num_bytes(maps: Maps) -> int:
    return sum(level.nbytes for level in maps)
