"""Synthetic scenes as a labelled data set, made when they are read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from fewscape.core import IGNORE, ConfigError, DatasetError, Window
from fewscape.synthetic.scenes import make_scene
from fewscape.synthetic.spec import BANDS, SYNTHETIC_CLASSES, SceneSpec, SyntheticScene
from fewscape.synthetic.textures import stream


class SyntheticScenes:
    """So many different scenes; a ``LabelledImages`` without files.

    Scene ``i`` depends on ``seed`` and ``i`` only, so data sets of other lengths share their first
    scenes. The scenes read last stay in memory.

    Args:
        num_scenes: how many.
        size: height and width in pixels.
        resolution: metres per pixel, or the range from which each scene draws its own.
        density: how built-up, 0 to 1, or the range from which each scene draws.
        seed: of the first scene; each scene has its own.
        bands: how many of red, green, blue and near infrared to read.
        max_kept: scenes kept in memory.

    Raises:
        ConfigError: a value out of its range.
    """

    name: str = "synthetic"
    classes: Mapping[int, str] = SYNTHETIC_CLASSES
    ignore: int = IGNORE

    def __init__(
        self,
        num_scenes: int = 64,
        size: tuple[int, int] = (1024, 1024),
        resolution: float | tuple[float, float] = (0.3, 0.8),
        density: float | tuple[float, float] = (0.45, 0.8),
        seed: int = 0,
        bands: int = 3,
        max_kept: int = 16,
    ) -> None:
        if num_scenes < 1:
            raise ConfigError(f"num_scenes is {num_scenes}", "expected at least 1")
        if not 1 <= bands <= len(BANDS):
            raise ConfigError(f"bands is {bands}", f"expected 1 to {len(BANDS)}")
        if max_kept < 1:
            raise ConfigError(f"max_kept is {max_kept}", "expected at least 1")
        self.bands = bands
        self.max_kept = max_kept
        self.specs = [
            _draw_spec(seed, index, size, _range(resolution), _range(density))
            for index in range(num_scenes)
        ]
        self._kept: OrderedDict[int, SyntheticScene] = OrderedDict()

    def __len__(self) -> int:
        return len(self.specs)

    def image_path(self, index: int) -> str:
        """A name such as ``images/scene_0003.tif``, as ``write_folder`` gives it."""
        return f"images/scene_{self._checked(index):04d}.tif"

    def labels_path(self, index: int) -> str:
        """A name such as ``labels/scene_0003.tif``."""
        return f"labels/scene_{self._checked(index):04d}.tif"

    def size(self, index: int) -> tuple[int, int]:
        """Height and width in pixels; makes no scene."""
        return self.specs[self._checked(index)].size

    def read_image(self, index: int, window: Window | None = None) -> npt.NDArray[np.generic]:
        """(C, H, W) uint8, the first ``bands`` bands."""
        image = self.scene(index).image[: self.bands]
        return image.copy() if window is None else image[:, *window.slices].copy()

    def read_labels(self, index: int, window: Window | None = None) -> npt.NDArray[np.uint8]:
        """(H, W) class ids."""
        labels = self.scene(index).labels
        return labels.copy() if window is None else labels[window.slices].copy()

    def scene(self, index: int) -> SyntheticScene:
        """The whole scene, from memory if it was read lately."""
        index = self._checked(index)
        if index not in self._kept:
            self._kept[index] = make_scene(self.specs[index])
            if len(self._kept) > self.max_kept:
                self._kept.popitem(last=False)
        self._kept.move_to_end(index)
        return self._kept[index]

    def _checked(self, index: int) -> int:
        if not 0 <= index < len(self.specs):
            raise DatasetError(
                f"there is no synthetic scene {index}", f"expected 0 to {len(self.specs) - 1}"
            )
        return index


def _range(value: float | tuple[float, float]) -> tuple[float, float]:
    if isinstance(value, int | float):
        return value, value
    low, high = value
    if low > high:
        raise ConfigError(f"the range {value} is empty", "expected the lower value first")
    return low, high


def _draw_spec(
    seed: int,
    index: int,
    size: tuple[int, int],
    resolution: tuple[float, float],
    density: tuple[float, float],
) -> SceneSpec:
    SceneSpec(seed=seed)  # refuses a negative seed before it reaches the generator
    rng = stream(seed, f"scene {index}")
    return SceneSpec(
        size=(int(size[0]), int(size[1])),
        resolution=round(float(rng.uniform(*resolution)), 3),
        density=round(float(rng.uniform(*density)), 3),
        seed=int(rng.integers(2**31)),
    )
