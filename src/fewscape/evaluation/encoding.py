"""Encode each crop once, however many episodes use it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import torch

from fewscape.core import Closing, Features, Policy
from fewscape.datasets import Crop
from fewscape.models import FewShotModel
from fewscape.regions import MakeRegions

Tensors = tuple[torch.Tensor, torch.Tensor | None]

ReadImage = Callable[[Crop], torch.Tensor]
"""Reads the image (3, H, W) uint8 of a crop; called from threads."""


LEAST_ROOM = 1 << 30


def limit_feature_bytes(policy: Policy) -> int:
    """Memory limit of features in bytes: a third of the RAM, or half of a GPU's free memory.

    If not all features for later episodes fit, images are encoded again.
    """
    if policy.device.type == "cuda":
        return max(LEAST_ROOM, torch.cuda.mem_get_info(policy.device)[0] // 2)
    if not hasattr(os, "sysconf"):  # Windows
        return LEAST_ROOM
    return max(LEAST_ROOM, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 3)


class CropEncoder(Closing):
    """Encodes the crops of a plan step by step.

    The plan lists the crops of each step, so a crop's features are dropped after its last step. If
    the remaining features exceed the memory, those needed last are evicted first, which is optimal
    (Belady 1966), and are encoded again later. Images and regions are read in threads one step
    ahead.

    Args:
        model: the network; the caller sets its mode and device.
        plan: crops of each step; a crop may repeat.
        read_image: reads the pixels.
        policy: device and precision of the features.
        regions: region maker, or None.
        max_bytes: memory for features between steps.
        batch_size: images encoded together.
        num_threads: number of reader threads.
    """

    def __init__(
        self,
        model: FewShotModel,
        plan: Sequence[Sequence[Crop]],
        read_image: ReadImage,
        policy: Policy,
        regions: MakeRegions | None = None,
        max_bytes: int = 2 << 30,
        batch_size: int = 8,
        num_threads: int = 2,
    ) -> None:
        self.model = model
        self.plan = plan
        self.policy = policy
        self.max_bytes = max_bytes
        self.batch_size = batch_size
        self.num_encoded = 0
        """Number of images encoded so far."""
        self._read_image = read_image
        self._regions = regions
        self._uses: dict[Crop, deque[int]] = {}
        for step, crops in enumerate(plan):
            for crop in dict.fromkeys(crops):
                self._uses.setdefault(crop, deque()).append(step)
        self._kept: dict[Crop, Features] = {}
        self._threads = ThreadPoolExecutor(num_threads)
        self._reads: dict[Crop, Future[Tensors]] = {}

    def close(self) -> None:
        """Stop the reader threads."""
        self._threads.shutdown(cancel_futures=True)

    def encode_step(self, step: int) -> Features:
        """Features of the step's crops, in the plan's order; call for each step in order."""
        crops = self.plan[step]
        self._start_reads(crops)
        if step + 1 < len(self.plan):
            self._start_reads(self.plan[step + 1])
        missing = [crop for crop in dict.fromkeys(crops) if crop not in self._kept]
        for first in range(0, len(missing), self.batch_size):
            self._encode(missing[first : first + self.batch_size])
        joined = _join([self._kept[crop] for crop in crops])
        for crop in dict.fromkeys(crops):
            self._uses[crop].popleft()
        self._forget()
        return joined

    def _start_reads(self, crops: Sequence[Crop]) -> None:
        for crop in crops:
            if crop not in self._kept and crop not in self._reads:
                self._reads[crop] = self._threads.submit(self._read, crop)

    def _read(self, crop: Crop) -> Tensors:
        image = self._read_image(crop)
        if self._regions is None:
            return image, None
        return image, torch.from_numpy(self._regions(image.permute(1, 2, 0).contiguous().numpy()))

    def _encode(self, crops: Sequence[Crop]) -> None:
        images, regions = zip(*(self._reads.pop(crop).result() for crop in crops), strict=True)
        device = self.policy.device
        maps = None if regions[0] is None else torch.stack(regions).to(device)
        features = self.model.encode(torch.stack(images).to(device), maps)
        self.num_encoded += len(crops)
        for index, crop in enumerate(crops):
            # A copy, since a view would keep the whole batch in memory.
            self._kept[crop] = _copy(features[index : index + 1])

    def _forget(self) -> None:
        for crop in [crop for crop in self._kept if not self._uses[crop]]:
            del self._kept[crop]
        sizes = {crop: _count_bytes(features) for crop, features in self._kept.items()}
        total = sum(sizes.values())
        for crop in sorted(self._kept, key=lambda crop: -self._uses[crop][0]):
            if total <= self.max_bytes:
                return
            total -= sizes[crop]
            del self._kept[crop]


def _tensors(features: Features) -> list[torch.Tensor]:
    regions = [] if features.regions is None else [features.regions]
    return [*features.maps, *features.extra.values(), *regions]


def _count_bytes(features: Features) -> int:
    return sum(tensor.nbytes for tensor in _tensors(features))


def _copy(features: Features) -> Features:
    return Features(
        tuple(level.clone() for level in features.maps),
        features.size,
        None if features.regions is None else features.regions.clone(),
        {name: tensor.clone() for name, tensor in features.extra.items()},
    )


def _join(parts: Sequence[Features]) -> Features:
    first = parts[0]
    regions = [part.regions for part in parts if part.regions is not None]
    return Features(
        tuple(torch.cat(level) for level in zip(*(part.maps for part in parts), strict=True)),
        first.size,
        torch.cat(regions) if regions else None,
        {name: torch.cat([part.extra[name] for part in parts]) for name in first.extra},
    )
