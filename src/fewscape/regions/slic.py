"""SLIC superpixels (Achanta et al. 2012), by scikit-image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from fewscape.core import ConfigError
from fewscape.regions.maker import Image, RegionMaker


@dataclass(frozen=True)
class Slic(RegionMaker):
    """Compact regions of similar size; any number of bands.

    Args:
        num_segments: regions per 256 x 256 pixels; larger images get proportionally more.
        compactness: weight of distance against colour.
        iterations: number of iterations; 5 are nearly as good as 10 in half the time.
        reduction: side of the pixel blocks that are averaged before the segmentation. 2 takes a
            quarter of the time; networks have strides of 8 or more anyway.
    """

    name: ClassVar[str] = "slic"
    num_segments: int = 100
    compactness: float = 10.0
    iterations: int = 5
    reduction: int = 2

    def __post_init__(self) -> None:
        for key in ("num_segments", "compactness", "iterations", "reduction"):
            if getattr(self, key) <= 0:
                raise ConfigError(f"slic: {key} is {getattr(self, key)}", "expected more than 0")

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The arguments."""
        return asdict(self)

    def segment(self, image: Image) -> npt.NDArray[np.integer]:
        """Superpixels of the whole image."""
        from skimage.segmentation import slic

        height, width = image.shape[:2]
        reduced = _average_blocks(image, self.reduction)
        ids: npt.NDArray[np.integer] = slic(
            reduced,
            max(1, round(self.num_segments * height * width / 256**2)),
            self.compactness,
            max_num_iter=self.iterations,
            start_label=0,
            channel_axis=-1,
            convert2lab=image.shape[2] == 3,
        )
        rows = np.arange(height) // self.reduction
        cols = np.arange(width) // self.reduction
        enlarged: npt.NDArray[np.integer] = ids[rows[:, None], cols]
        return enlarged


def _average_blocks(image: Image, side: int) -> Image:
    """Average blocks: (H, W, C) to (ceil(H / side), ceil(W / side), C), same dtype."""
    if side == 1:
        return image
    height, width = image.shape[:2]
    padded = np.pad(image, ((0, -height % side), (0, -width % side), (0, 0)), mode="edge")
    rows, cols = padded.shape[0] // side, padded.shape[1] // side
    blocks = padded.reshape(rows, side, cols, side, -1)
    means: Image = blocks.mean(axis=(1, 3), dtype=np.float64).astype(image.dtype)
    return means
