"""A pixel model as a ``Segmenter``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from fewscape.core import ConfigError
from fewscape.mapping.examples.drawn_cells import SceneCells, sample_ground
from fewscape.models import PixelModel
from fewscape.models.experts import Cells
from fewscape.raster import SceneReader
from fewscape.raster.writing.palette import Colour
from fewscape.regions import MakeRegions


class PixelSegmenter:
    """All classes and background of a scene, learned jointly from every drawn pixel.

    Args:
        model: see ``PixelModel``; it keeps the device and precision that encoded ``learnt``.
        class_names: the K classes.
        learnt: the drawn cells; class 0 is background, 1 to K are the classes.
        window: window side, pixels.
        threshold: see ``Segmenter``; None for the most probable of classes and background.
        temperature: divisor of the log probabilities, see ``OwnAccuracy``.
        colours: see ``Segmenter``.

    Raises:
        ConfigError: the window does not fit the model.
    """

    layer_names: tuple[str, ...] = ()
    make_regions: MakeRegions | None = None

    def __init__(
        self,
        model: PixelModel[Any],
        class_names: Sequence[str],
        learnt: SceneCells,
        window: int,
        threshold: float | None = None,
        temperature: float = 1.0,
        colours: Sequence[Colour] | None = None,
    ) -> None:
        if window % model.window_multiple or window <= 0:
            raise ConfigError(
                f"windows of {window} pixels do not fit {model.name}",
                f"the side must be a multiple of {model.window_multiple}",
                "choose another with --window",
            )
        self.model = model
        self.class_names = tuple(class_names)
        self.window = window
        self.window_multiple = model.window_multiple
        self.stride = model.stride
        reach = -(-model.reach // model.stride) * model.stride
        self.halo = min(reach, window // 4 // model.stride * model.stride)
        self.threshold = threshold
        self.temperature = temperature
        self.colours = colours
        # A class drawn alone is separated from all other ground, as if that were drawn.
        is_drawn = bool((learnt.cells.classes == 0).any())
        self.has_background = is_drawn or len(self.class_names) == 1
        self.ground = learnt.ground
        self.support: Any = model.learn(number_classes(learnt.scaled))

    def move_to(self, scene: SceneReader) -> PixelSegmenter:
        """The same segmenter for another scene, with features scaled by that scene's statistics."""
        sample, ground = sample_ground(scene, self.model)
        moved = object.__new__(PixelSegmenter)
        moved.__dict__.update(self.__dict__)
        moved.ground = ground
        moved.support = self.model.adapt(self.support, ground.scaling.apply(sample))
        return moved

    @torch.inference_mode()
    def __call__(self, windows: torch.Tensor, regions: torch.Tensor | None = None) -> torch.Tensor:
        """(B, K, H / stride, W / stride) float32; see ``Segmenter``."""
        del regions
        logs = self.model.predict(windows, self.support, self.ground)
        probabilities = torch.softmax(logs / self.temperature, dim=1)
        # Background comes first if it was drawn, or if a one-class model adds it.
        return probabilities[:, probabilities.shape[1] - len(self.class_names) :]


def number_classes(cells: Cells) -> Cells:
    """Number classes from 0, even if no background was drawn."""
    return cells if (cells.classes == 0).any() else replace(cells, classes=cells.classes - 1)
