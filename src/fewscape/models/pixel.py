"""The contract of models that learn from every drawn pixel of a scene, for all classes at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from fewscape.core import Policy
from fewscape.models.experts import Cells, Scaling
from fewscape.ops import pool_cells

SupportT = TypeVar("SupportT")
"""What a model has learnt of the classes."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a model has to know of a scene as a whole before it sees a window of it."""

    scaling: Scaling
    """Of the features over the scene."""
    bands: Scaling
    """Of the bands, (C,), over the scene."""
    red_green_blue: tuple[int, int, int] = (0, 1, 2)
    """Which of the bands a network for colour images sees; may repeat."""


class PixelModel(ABC, Generic[SupportT]):
    """Encodes windows into cells of features, learns from drawn cells, predicts all classes.

    The three steps of the other few-shot models, but a support is what was learnt of all classes
    together, so that they are told apart from each other, from every drawn pixel and any number
    of bands.

    Windows pass one after the other, whatever the size of a batch: the features of one, D float32
    numbers for each cell in some four copies, are the memory that a model takes beside its
    weights, and are not part of the memory that a map is planned with. For 512 x 512 pixels of
    three bands the ensemble takes 300 MB.
    """

    name: ClassVar[str]
    stride: ClassVar[int] = 1
    """Pixels per cell."""
    reach: ClassVar[int]
    """Pixels around a cell that decide its features."""
    window_multiple: ClassVar[int] = 1
    """Sides of windows are multiples of this."""

    @abstractmethod
    def encode(
        self, images: torch.Tensor, colours: tuple[int, int, int] = (0, 1, 2)
    ) -> torch.Tensor:
        """Features of windows before any example is seen.

        Args:
            images: (B, C, H, W) float in [0, 1].
            colours: which of the bands are red, green and blue; may repeat.

        Returns:
            (B, D, H / stride, W / stride) float32.
        """

    @abstractmethod
    def learn(self, cells: Cells) -> SupportT:
        """What the drawn cells say of the classes; features are scaled by ``Scaling``.

        The cells hold classes 0 to K - 1, each at least once.
        """

    @abstractmethod
    def predict_cells(
        self, values: npt.NDArray[np.float32], support: SupportT
    ) -> npt.NDArray[np.float32]:
        """(N, D) scaled features to (N, K) log probabilities; neighbours have no say."""

    def sketch_cells(
        self, values: npt.NDArray[np.float32], support: SupportT, every: int
    ) -> npt.NDArray[np.float32]:
        """About ``predict_cells`` for all cells of a window, where that can be had sooner.

        Args:
            values: (h, w, D) scaled features.
            support: of ``learn``.
            every: cells from one to the next for which everything is computed.

        Returns:
            (h w, K) log probabilities, by rows.
        """
        del every
        return self.predict_cells(values.reshape(-1, values.shape[2]), support)

    def adapt(self, support: SupportT, scene: npt.NDArray[np.float32]) -> SupportT:
        """The support for a scene of which (M, D) scaled features of cells are known."""
        del scene
        return support

    def predict(self, images: torch.Tensor, support: SupportT, ground: Ground) -> torch.Tensor:
        """Log probabilities of all classes for windows.

        Args:
            images: (B, C, H, W) float in [0, 1].
            support: of ``learn``.
            ground: of the scene that the windows come from.

        Returns:
            (B, K, H / stride, W / stride) float32.
        """
        return torch.cat([self.predict_window(one, support, ground) for one in images[:, None]])

    def predict_window(
        self, image: torch.Tensor, support: SupportT, ground: Ground
    ) -> torch.Tensor:
        """``predict`` of one window, (1, C, H, W)."""
        features = self.encode(image, ground.red_green_blue)
        height, width = features.shape[2:]
        values = features[0].flatten(1).T.numpy()
        logs = torch.from_numpy(self.predict_cells(ground.scaling.apply(values), support))
        scores = logs.T.reshape(1, -1, height, width)
        return self.smooth(scores, self.guide(image, ground.red_green_blue), support, ground)

    def guide(self, image: torch.Tensor, colours: tuple[int, int, int]) -> torch.Tensor:
        """Brightness of each cell of a window, (1, 1, H / stride, W / stride), for ``smooth``."""
        brightness = image[:, list(colours)].float().mean(dim=1, keepdim=True)
        return pool_cells(brightness, self.stride)

    def smooth(
        self,
        scores: torch.Tensor,
        guide: torch.Tensor,
        support: SupportT,
        ground: Ground,
        step: int = 1,
    ) -> torch.Tensor:
        """Scores of cells after their neighbours had a say; here they have none.

        Args:
            scores: (1, K, h, w) log probabilities.
            guide: (1, 1, h, w) of ``guide``.
            support: of ``learn``.
            ground: of the scene.
            step: cells from one to the next, where only every such cell is predicted.
        """
        del guide, support, ground, step
        return scores

    def trace(
        self, cell: npt.NDArray[np.float32], support: SupportT, cells: Cells
    ) -> npt.NDArray[np.float64] | None:
        """How much each drawn cell decided about another one.

        Args:
            cell: (D,) scaled features.
            support: what was learnt from ``cells``.
            cells: the N drawn ones.

        Returns:
            (N,) shares, which add up to 1; None if the model cannot tell.
        """
        del cell, support, cells
        return None

    def describe(self) -> dict[str, Any]:
        """What decides its maps beside examples and scene, as plain data."""
        return {}

    def to(self, policy: Policy) -> None:
        """Run what is a network where and how the policy says; classical models stay."""
        del policy
