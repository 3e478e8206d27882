"""Graph-based regions (Felzenszwalb and Huttenlocher 2004), by scikit-image."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from fewscape.core import ConfigError
from fewscape.regions.maker import Image, RegionMaker


@dataclass(frozen=True)
class Felzenszwalb(RegionMaker):
    """Regions of any shape and size that follow contrast, for any number of bands.

    Args:
        scale: larger values give larger regions.
        sigma: sigma of the smoothing, pixels.
        min_size: smallest region, pixels.
    """

    name: ClassVar[str] = "felzenszwalb"
    scale: float = 100.0
    sigma: float = 0.8
    min_size: int = 50

    def __post_init__(self) -> None:
        for key in ("scale", "min_size"):
            if getattr(self, key) <= 0:
                raise ConfigError(
                    f"felzenszwalb: {key} is {getattr(self, key)}", "expected more than 0"
                )
        if self.sigma < 0:
            raise ConfigError(f"felzenszwalb: sigma is {self.sigma}", "expected 0 or more")

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The three arguments."""
        return asdict(self)

    def segment(self, image: Image) -> npt.NDArray[np.integer]:
        """Regions of the whole image."""
        from skimage.segmentation import felzenszwalb

        # Permanent: a temporary filter is not thread-safe.
        warnings.filterwarnings("ignore", message="Got image with third dimension")
        ids: npt.NDArray[np.integer] = felzenszwalb(
            image, self.scale, self.sigma, self.min_size, channel_axis=-1
        )
        return ids
