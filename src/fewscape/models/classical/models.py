"""Pixel classifiers, each one expert on one set of features."""

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
    """A pixel model with one expert."""

    @abstractmethod
    def make_expert(self) -> Expert:
        """Make an untrained expert."""

    def learn(self, cells: Cells) -> Expert:
        """See ``PixelModel``; a class drawn alone is contrasted with the whole scene."""
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
        """With minimal added variance, as in GIS programs."""
        return Gaussian(added_variance=1e-3)


class RandomForest(BoxModel):
    """A random forest of 100 trees on the features of ``MaximumLikelihood``."""

    name: ClassVar[str] = "random_forest"

    def make_expert(self) -> Forest:
        """With leaves of one cell."""
        return Forest("random", num_trees=100, least_leaf=1)


class PixelTrees(ClassicalModel):
    """200 extremely randomised trees on multiscale features, like ilastik."""

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
