"""``Segmenter``: windows in, class probabilities out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from fewscape.core import ConfigError, Features, Policy, Support
from fewscape.mapping.engine.support_store import SupportStore
from fewscape.mapping.examples.crops import Examples, Shot
from fewscape.models import FewShotModel
from fewscape.raster.writing.palette import Colour, choose_colours
from fewscape.regions import MakeRegions, open_regions


class Segmenter(Protocol):
    """A network with fixed classes; few-shot, supervised and exported networks can all be one."""

    class_names: tuple[str, ...]
    """The K foreground classes, starting with class 1."""
    colours: Sequence[Colour] | None
    """Colours of the classes; the default ones if None."""
    layer_names: tuple[str, ...]
    """The L additional layers to write, such as heatmaps."""
    window: int
    """Window side, pixels."""
    window_multiple: int
    """``window`` is a multiple of this."""
    halo: int
    """Margin of a window that is used only where no other window has more context, pixels."""
    stride: int
    """Pixels per cell of the probabilities; divides ``window``."""

    @property
    def threshold(self) -> float | None:
        """Minimum probability at which a pixel belongs to its most probable class.

        None if the probabilities of classes and background sum to 1: the most probable one wins.
        """
        ...

    make_regions: MakeRegions | None
    """Over-segmentation that the network needs for each window, computed ahead in other threads."""

    def __call__(self, windows: torch.Tensor, regions: torch.Tensor | None = None) -> torch.Tensor:
        """Compute the probabilities of a batch of windows.

        Args:
            windows: (B, 3, H, W) float32 in [0, 1].
            regions: (B, H, W) int32, where ``make_regions`` is given.

        Returns:
            (B, K + L, H / stride, W / stride) float32 in [0, 1]: the classes, then the layers.
        """
        ...


class FewShotSegmenter:
    """A few-shot network as a ``Segmenter``.

    Supports are learned once, on construction. Windows are encoded once for all classes.

    Args:
        model: the network; it is moved to the policy's device and precision.
        examples: classes and shots.
        policy: where and in which precision to run.
        threshold: see ``Segmenter``.
        store: cache of supports; None for none.

    Raises:
        ConfigError: the size of the shots does not fit the network.
    """

    halo = 0
    layer_names: tuple[str, ...] = ()

    def __init__(
        self,
        model: FewShotModel,
        examples: Examples,
        policy: Policy,
        threshold: float = 0.5,
        store: Path | None = None,
    ) -> None:
        self.class_names = examples.class_names
        self.colours: Sequence[Colour] | None = choose_colours(
            examples.class_names, examples.colours
        )
        self.threshold = threshold
        self.policy = policy
        self.stride = model.stride
        self.window_multiple = model.window_multiple
        self.window = examples.shots[0][0].mask.shape[0]
        if self.window % self.window_multiple:
            raise ConfigError(
                f"windows of {self.window} pixels do not fit {model.name}",
                f"the side must be a multiple of {self.window_multiple}",
                "choose another with --window",
            )
        self.make_regions = open_regions(model.region_method, model.region_options)
        self.model = model.eval().to(policy.device, policy.dtype)
        self.model.to(memory_format=policy.memory_format)
        self._store = None if store is None else SupportStore(store, self.model, policy)
        self.supports = [[self._recall(shot) for shot in shots] for shots in examples.shots]

    @torch.inference_mode()
    def __call__(self, windows: torch.Tensor, regions: torch.Tensor | None = None) -> torch.Tensor:
        """(B, K, H / stride, W / stride) float32; see ``Segmenter``."""
        features = self._encode(windows, regions)
        probabilities = []
        for supports in self.supports:
            logits = self.model.predict(features, supports).logits.float()
            probabilities.append(torch.sigmoid(logits[:, 1] - logits[:, 0]))  # softmax of two
        return torch.stack(probabilities, dim=1)

    def _recall(self, shot: Shot) -> Support:
        if self._store is None:
            return self._learn(shot)
        return self._store.learn(shot, partial(self._learn, shot)).to(self.policy.device)

    def _learn(self, shot: Shot) -> Support:
        regions = None
        if self.make_regions is not None:
            regions = torch.from_numpy(self.make_regions(to_bytes(shot.image)))[None]
        features = self._encode(torch.from_numpy(shot.image)[None], regions)
        masks = torch.from_numpy(shot.mask)[None].to(self.policy.device)
        with torch.inference_mode():
            return self.model.learn(features, masks)

    def _encode(self, windows: torch.Tensor, regions: torch.Tensor | None) -> Features:
        device = self.policy.device
        there = None if regions is None else regions.to(device, non_blocking=True)
        with torch.inference_mode():
            return self.model.encode(windows.to(device, non_blocking=True), there)


def to_bytes(image: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Convert (C, H, W) in [0, 1] to (H, W, C) uint8, the input of over-segmentations."""
    return np.rint(image.transpose(1, 2, 0) * 255).astype(np.uint8)
