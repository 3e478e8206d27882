"""The engine of the main job: a few polygons in a scene, the rest mapped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch

from fewscape.backbones import BackboneConfig
from fewscape.core import Policy
from fewscape.models.ensemble.deep_features import DeepFeatures
from fewscape.models.experts import (
    Cells,
    Expert,
    Forest,
    Gaussian,
    LearnedMetric,
    LinearDiscriminant,
    PositiveUnlabelled,
    estimate_priors,
)
from fewscape.models.experts.cells import normalise
from fewscape.models.pixel import Ground, PixelModel
from fewscape.ops import (
    box_features,
    filter_guided,
    multiscale_features,
    resize_maps,
)

FOREST_WEIGHTS = (0.5, 0.5)
"""Of the trees on plain and on deep features."""

WEIGHTS = (*FOREST_WEIGHTS, 0.15, 0.15, 0.15)
"""Of the trees, the Gaussians and the two discriminants."""

METRIC_WEIGHT = 8.0
"""Of the learned metric, whose probabilities are soft and which knows most."""

BAND_WEIGHTS, BAND_METRIC_WEIGHT = (*FOREST_WEIGHTS, 0.15, 0.4, 0.15), 4.0
"""Of scenes with more than three bands, which the metric does not see."""

MOVED_METRIC_WEIGHT = 2.0
"""In another scene than that of the examples, where distances to their means are less true."""

UNLEARNED_WEIGHT = 0.5
"""Of the discriminant that stands in for the metric beside a network of the user's."""

COLOURS, BOX_FEATURES = (0, 1, 2), 5
"""Bands that the network sees unless told otherwise, and features of each band in squares."""

LEAST_LOG = -9.0
"""No expert is surer than this that a cell is not of a class."""

PRIOR_WEIGHT = 1.0
"""How far the estimated shares of the classes are believed."""

LEAST_SHARE = 1e-3
"""Added to the shares: a class that was drawn can always be found."""

LEAST_RADIUS, MOST_RADIUS = 1, 5
"""Of the squares in which scores are smoothed along the edges of the image, cells."""

RADIUS_SHARE = 0.25
"""Of the side of what was drawn: small objects are smoothed in small squares."""

EVEN = 0.1
"""Variance of the brightness, in units of the scene's, below which a square counts as even."""


LEAST_DEVIATION = 1e-3
"""Of a scene's brightness, for scenes of one colour."""


@dataclass(frozen=True, slots=True)
class EnsembleSupport:
    """What was learnt of all classes, and how frequent they are in the scene that is mapped."""

    experts: tuple[Expert, ...]
    """In the order of ``WEIGHTS``, then the metric; none if one class was drawn alone."""
    priors: npt.NDArray[np.float32]
    """(K,)."""
    weights: tuple[float, ...] = ()
    """Of the experts, in their order."""
    radius: int = MOST_RADIUS
    """Of the squares in which scores are smoothed, cells."""
    alone: PositiveUnlabelled | None = None
    """What tells a class that was drawn alone from all other ground."""


class Ensemble(PixelModel[EnsembleSupport]):
    """Six experts, and the classes' shares by expectation maximisation.

    Extremely randomised trees, Gaussians and linear discriminants on features at many scales, a
    discriminant on plain colour and texture, and, on these features beside those of a frozen
    network, trees and polygon means under a metric that was learned on other scenes. Each learns in
    about a second. Their log probabilities are added with fixed weights; they hold for equal shares
    of the classes, so the shares in the scene are estimated from the scene itself. Scores are
    smoothed a little.

    Args:
        backbone: of the frozen network; the packaged one if not given.
        has_metric: whether a metric was learned for the network's features. If not, as with a
            network of the user's, a discriminant strongly shrunk towards a sphere takes its place.
    """

    name: ClassVar[str] = "ensemble"
    stride: ClassVar[int] = 2
    reach: ClassVar[int] = 48
    """What lies farther counts next to nothing in the widest features."""
    window_multiple: ClassVar[int] = 32

    def __init__(self, backbone: BackboneConfig | None = None, has_metric: bool = True) -> None:
        self.has_metric = has_metric
        self.deep = DeepFeatures(backbone).eval().requires_grad_(False)
        self._policy = Policy(torch.device("cpu"), torch.float32)

    def describe(self) -> dict[str, Any]:
        """The frozen network."""
        return {"backbone": self.deep.backbone.settings}

    def describe_input(self) -> dict[str, Any]:
        """See ``Storable``."""
        return {
            "bands": "all; red, green and blue or the first three through the network",
            "scale": "divide uint8 by 255; other types by percentiles of the scene",
        }

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The frozen network and the metric."""
        return dict(self.deep.state_dict())

    def to(self, policy: Policy) -> None:
        """Run the frozen network where and in which precision the policy says."""
        self.deep.to(policy.device)
        self._policy = policy

    def encode(self, images: torch.Tensor, colours: tuple[int, int, int] = COLOURS) -> torch.Tensor:
        """Of all bands features at many scales, then in squares; of the colours deep features."""
        images = images.float()
        scales, squares = (
            make(images, self.stride) for make in (multiscale_features, box_features)
        )
        device, dtype = self._policy.device, self._policy.dtype
        is_same = images.shape[1] == 3 and colours == COLOURS
        known = scales.to(device) if is_same else None
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            deep = self.deep(images[:, list(colours)].to(device), known)
        return torch.cat([scales, squares, deep.float().cpu()], dim=1)

    def learn(self, cells: Cells) -> EnsembleSupport:
        """Every expert, and the priors in the scene of the examples.

        With one class alone, and no background, the rule for positive and unlabelled cells.
        """
        if cells.num_classes == 1:
            seen = replace(
                cells, values=self._view(cells.values)[0], scene=self._view(cells.scene)[0]
            )
            return EnsembleSupport(
                (), np.ones(1, np.float32), alone=PositiveUnlabelled().learn(seen)
            )
        last: Expert = LinearDiscriminant(0.9)
        if self.has_metric:
            last = LearnedMetric(self.deep.projection.cpu().numpy())
        experts: tuple[Expert, ...] = (
            Forest(),
            Forest(),
            Gaussian(),
            LinearDiscriminant(),
            LinearDiscriminant(0.1),
            last,
        )
        for expert, values in zip(experts, self._view(cells.values), strict=True):
            known = values, cells.classes, cells.num_classes
            if isinstance(expert, LearnedMetric):
                expert.learn(*known, polygons=cells.polygons)
            else:
                expert.learn(*known, None if isinstance(expert, Forest) else cells.weights)
        shares = self._estimate_shares(experts, cells.scene)
        weights = self._weigh(cells.values.shape[1])
        return EnsembleSupport(experts, shares, weights, _choose_radius(cells))

    def adapt(self, support: EnsembleSupport, scene: npt.NDArray[np.float32]) -> EnsembleSupport:
        """With equal shares of the classes, and with less weight on the metric.

        In another scene the experts err so much that estimated shares make a class that was hardly
        found vanish.
        """
        if support.alone is not None:
            return replace(support, alone=support.alone.adapt(self._view(scene)[0]))
        even = np.full_like(support.priors, 1 / len(support.priors))
        *weights, last = support.weights
        weights.append(min(last, MOVED_METRIC_WEIGHT))
        return replace(support, priors=even, weights=tuple(weights))

    def _weigh(self, size: int) -> tuple[float, ...]:
        """Weights of the experts for cells of so many features."""
        bands = _count_boxes(size - self.deep.num_features) // BOX_FEATURES
        weights, metric = WEIGHTS, METRIC_WEIGHT
        if bands > len(COLOURS):
            weights, metric = BAND_WEIGHTS, BAND_METRIC_WEIGHT
        return *weights, metric if self.has_metric else UNLEARNED_WEIGHT

    def _estimate_shares(
        self, experts: Sequence[Expert], scene: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """Of the classes in the scene of the examples, (K,), by both forests."""
        parts = zip(FOREST_WEIGHTS, experts, self._view(scene), strict=False)
        logs = sum(weight * expert.predict(seen) for weight, expert, seen in parts)
        return estimate_priors(normalise(np.asarray(logs)))

    def predict_cells(
        self, values: npt.NDArray[np.float32], support: EnsembleSupport
    ) -> npt.NDArray[np.float32]:
        """See ``PixelModel``."""
        if support.alone is not None:
            return support.alone.predict(self._view(values)[0])
        pairs = zip(support.experts, self._view(values), strict=True)
        return self._mix([expert.predict(seen) for expert, seen in pairs], support)

    def sketch_cells(
        self, values: npt.NDArray[np.float32], support: EnsembleSupport, every: int
    ) -> npt.NDArray[np.float32]:
        """See ``PixelModel``: trees, which take nearly all the time, see every such cell only.

        Their log probabilities are interpolated between these; all other experts see all cells.
        """
        height, width, size = values.shape
        if every == 1 or support.alone is not None:
            return super().sketch_cells(values, support, every)
        rows, cols = (_spread(length, every) for length in (height, width))
        few = self._view(values[rows[:, None], cols].reshape(-1, size))
        parts = []
        for place, seen in enumerate(self._view(values.reshape(-1, size))):
            expert = support.experts[place]
            if not isinstance(expert, Forest):
                parts.append(expert.predict(seen))
                continue
            known = torch.from_numpy(expert.predict(few[place]))  # (n, K)
            coarse = known.T.reshape(1, -1, len(rows), len(cols))
            fine = resize_maps(coarse, (len(rows) * every, len(cols) * every))
            parts.append(fine[0, :, :height, :width].flatten(1).T.numpy())
        return self._mix(parts, support)

    def _mix(
        self, parts: Sequence[npt.NDArray[np.float32]], support: EnsembleSupport
    ) -> npt.NDArray[np.float32]:
        """(N, K) log probabilities of the experts, in their order, added with their weights."""
        scores = PRIOR_WEIGHT * np.log(support.priors + LEAST_SHARE)
        for weight, logs in zip(support.weights, parts, strict=True):
            scores = scores + weight * np.maximum(logs, LEAST_LOG)
        mixed: npt.NDArray[np.float32] = scores.astype(np.float32)
        return mixed

    def smooth(
        self,
        scores: torch.Tensor,
        guide: torch.Tensor,
        support: EnsembleSupport,
        ground: Ground,
        step: int = 1,
    ) -> torch.Tensor:
        """See ``PixelModel``; not over the edges of the image.

        Those of a class that was drawn alone are not: they are far below the decision outside the
        class and only just above it inside, so that smoothing would eat the class up.
        """
        if support.alone is not None:
            return scores
        colours = list(ground.red_green_blue)
        deviation = max(float(ground.bands.deviation[colours].mean()), LEAST_DEVIATION)
        scaled = (guide - float(ground.bands.mean[colours].mean())) / deviation
        return filter_guided(scores, scaled, max(1, support.radius // step), EVEN)

    def trace(
        self, cell: npt.NDArray[np.float32], support: EnsembleSupport, cells: Cells
    ) -> npt.NDArray[np.float64] | None:
        """See ``PixelModel``.

        The probability of each class, shared among its polygons as the metric does. Without a
        metric, the votes of the trees.
        """
        if support.alone is not None:
            return None
        last, views = support.experts[-1], self._view(cell[None])
        if isinstance(last, LearnedMetric):
            odds = np.exp(normalise(self.predict_cells(cell[None], support))[0])
            found: npt.NDArray[np.float64] = odds[cells.classes] * last.trace(views[-1][0])
            return found
        total = np.zeros(len(cells.values))
        parts = zip(support.experts, views, self._view(cells.values), strict=True)
        for expert, own, seen in parts:
            if isinstance(expert, Forest):
                total += expert.trace(own[0], seen)
        votes: npt.NDArray[np.float64] = total / total.sum()
        return votes

    def _view(self, values: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], ...]:
        """The features that each expert sees, of (N, D)."""
        size = values.shape[1] - self.deep.num_features
        boxes = _count_boxes(size)
        scales, squares, deep = np.split(values, [size - boxes, size], axis=1)
        return scales, deep, scales, scales, squares, deep


def _spread(length: int, every: int) -> npt.NDArray[np.int64]:
    """The middle one of each ``every`` places, the last one of a part that has none."""
    count = -(-length // every)
    return np.minimum(np.arange(count) * every + every // 2, length - 1)


def _choose_radius(cells: Cells) -> int:
    """A share of the side of a typical polygon of the class with the smallest ones."""
    _, first, sizes = np.unique(cells.polygons, return_index=True, return_counts=True)
    owners = cells.classes[first]
    smallest = min(float(np.median(sizes[owners == number])) for number in np.unique(owners))
    return int(np.clip(round(RADIUS_SHARE * smallest**0.5), LEAST_RADIUS, MOST_RADIUS))


def _count_boxes(size: int) -> int:
    """Features of ``box_features`` among those of C bands: 5 C of 12 C + 15, or of 10 C + 12."""
    return BOX_FEATURES if size == 22 else (size - 15) // 12 * BOX_FEATURES
