"""One expert on one set of features each, pixel by pixel."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch

from fewscape.models.experts import Cells, Expert, Forest, Gaussian, oppose_to_scene
from fewscape.models.pixel import PixelModel
from fewscape.ops import box_features, box_reach, multiscale_features, multiscale_reach


class ClassicalModel(PixelModel[Expert]):
    """Features of each pixel, and an expert."""

    @abstractmethod
    def make_expert(self) -> Expert:
        """An expert that has learnt nothing."""

    def learn(self, cells: Cells) -> Expert:
        """See ``PixelModel``; a class that was drawn alone is told from the scene as a whole."""
        told = oppose_to_scene(cells) if cells.num_classes == 1 else cells
        return self.make_expert().learn(told.values, told.classes, told.num_classes)

    def predict_cells(
        self, values: npt.NDArray[np.float32], support: Expert
    ) -> npt.NDArray[np.float32]:
        """See ``PixelModel``."""
        return support.predict(values)


class BoxModel(ClassicalModel):
    """On the bands and their mean and deviation in squares of 5 and 13 pixels."""

    reach: ClassVar[int] = box_reach()

    def encode(
        self, images: torch.Tensor, colours: tuple[int, int, int] = (0, 1, 2)
    ) -> torch.Tensor:
        """See ``PixelModel``."""
        del colours
        return box_features(images.float())


class MaximumLikelihood(BoxModel):
    """Gaussian maximum likelihood on the bands and their mean and deviation in 5 and 13 pixels."""

    name: ClassVar[str] = "maximum_likelihood"

    def make_expert(self) -> Gaussian:
        """With just enough variance added to be invertible, as GIS programs do."""
        return Gaussian(added_variance=1e-3)


class RandomForest(BoxModel):
    """A random forest of 100 trees on the features of ``MaximumLikelihood``."""

    name: ClassVar[str] = "random_forest"

    def make_expert(self) -> Forest:
        """With leaves of one cell."""
        return Forest("random", num_trees=100, least_leaf=1)


class PixelTrees(ClassicalModel):
    """200 extremely randomised trees on features at many scales, in the manner of ilastik."""

    name: ClassVar[str] = "pixel_trees"
    reach: ClassVar[int] = multiscale_reach()

    def encode(
        self, images: torch.Tensor, colours: tuple[int, int, int] = (0, 1, 2)
    ) -> torch.Tensor:
        """See ``PixelModel``."""
        del colours
        return multiscale_features(images.float())

    def make_expert(self) -> Forest:
        """With leaves of three cells."""
        return Forest("extremely_randomised", num_trees=200, least_leaf=3)
