"""The contract of pixel models, which learn all classes jointly from every drawn pixel."""

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
"""What a model learned about the classes."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The statistics of a scene that a model needs before it sees a window."""

    scaling: Scaling
    """Scaling of the features over the scene."""
    bands: Scaling
    """Statistics of the bands, (C,), over the scene."""
    red_green_blue: tuple[int, int, int] = (0, 1, 2)
    """Bands that serve as red, green and blue; may repeat."""


class PixelModel(ABC, Generic[SupportT]):
    """Encodes windows into cells of features, learns from drawn cells, predicts all classes.

    The three steps are those of the other few-shot models, but a support covers all classes
    jointly, is learned from every drawn pixel, and takes any number of bands.

    Windows are processed one by one, whatever the batch size: the features of one window, about
    four copies of D float32 numbers per cell, are the memory of a model besides its weights, and
    are not part of the planned memory of a map. For 512 x 512 pixels of three bands the ensemble
    needs 300 MB.
    """

    name: ClassVar[str]
    stride: ClassVar[int] = 1
    """Pixels per cell."""
    reach: ClassVar[int]
    """Context of a cell's features, pixels."""
    window_multiple: ClassVar[int] = 1
    """Window sides must be multiples of this."""

    @abstractmethod
    def encode(
        self, images: torch.Tensor, colours: tuple[int, int, int] = (0, 1, 2)
    ) -> torch.Tensor:
        """Encode windows before any example is seen.

        Args:
            images: (B, C, H, W) float in [0, 1].
            colours: bands that serve as red, green and blue; may repeat.

        Returns:
            (B, D, H / stride, W / stride) float32.
        """

    @abstractmethod
    def learn(self, cells: Cells) -> SupportT:
        """Learn the classes from drawn cells with features scaled by ``Scaling``.

        The cells have classes 0 to K - 1, each at least once.
        """

    @abstractmethod
    def predict_cells(
        self, values: npt.NDArray[np.float32], support: SupportT
    ) -> npt.NDArray[np.float32]:
        """Map scaled features (N, D) to log probabilities (N, K), without context."""

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
        """Adapt the support to a scene with scaled features (M, D) of sampled cells."""
        del scene
        return support

    def predict(self, images: torch.Tensor, support: SupportT, ground: Ground) -> torch.Tensor:
        """Predict log probabilities of all classes for windows.

        Args:
            images: (B, C, H, W) float in [0, 1].
            support: result of ``learn``.
            ground: statistics of the scene of the windows.

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
        """Smooth the scores of cells with their neighbours; this base class does not.

        Args:
            scores: (1, K, h, w) log probabilities.
            guide: (1, 1, h, w) result of ``guide``.
            support: result of ``learn``.
            ground: statistics of the scene.
            step: spacing of the predicted cells.
        """
        del guide, support, ground, step
        return scores

    def trace(
        self, cell: npt.NDArray[np.float32], support: SupportT, cells: Cells
    ) -> npt.NDArray[np.float64] | None:
        """Influence of each drawn cell on another cell.

        Args:
            cell: (D,) scaled features.
            support: result of ``learn`` on ``cells``.
            cells: the N drawn cells.

        Returns:
            (N,) shares that sum to 1; None if the model cannot tell.
        """
        del cell, support, cells
        return None

    def describe(self) -> dict[str, Any]:
        """Parameters that affect its maps besides examples and scene, as plain data."""
        return {}

    def to(self, policy: Policy) -> None:
        """Move networks to the policy's device and precision; classical models stay."""
        del policy
