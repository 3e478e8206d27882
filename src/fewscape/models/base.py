"""The contract of a few-shot network: encode, learn, predict."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

import torch

from fewscape.core import Episode, Features, Output, Support
from fewscape.models.network import Network
from fewscape.models.window_size import check_window
from fewscape.ops import fuse_shots
from fewscape.ops.shots import ShotFusion

Embed = Callable[[torch.Tensor], tuple[torch.Tensor, ...]]
"""(B, 3, H, W) images to the maps of each level."""


class FewShotModel(Network):
    """A network that segments a class from annotated examples.

    ``forward(episode)`` runs ``encode``, ``learn`` and ``predict``; each can be called alone, so
    that a scene is encoded once for all classes and a support is learned once for all windows.
    """

    needs_training: ClassVar[bool] = True
    """Whether anything needs training beyond a pretrained backbone."""

    @abstractmethod
    def enhance(self, raw: Features) -> Features:
        """Compute features from the backbone's maps, which may be cached.

        Args:
            raw: maps (B, C, h, w) of each level, size of the images, and region maps if there are
                any.
        """

    @abstractmethod
    def learn(self, features: Features, masks: torch.Tensor) -> Support:
        """Learn the class from one shot.

        Args:
            features: features of the support images.
            masks: (B, H, W) with 0, 1 and 255.
        """

    @abstractmethod
    def predict(self, features: Features, supports: Sequence[Support]) -> Output:
        """Predict the queries from all shots; see ``fuse_predictions`` for one way to fuse them.

        Args:
            features: features of the queries, batch B.
            supports: one per shot, of batch B or 1; a support of batch 1 serves all queries.

        Returns:
            Output with logits (B, 2, H / stride, W / stride), background and foreground.
        """

    def name_class(self, support: Support, class_id: torch.Tensor) -> Support:
        """Tell the support its class number in the data set.

        Most networks know classes only by examples and return the support unchanged.

        Args:
            support: result of ``learn``.
            class_id: (B,) int64.
        """
        del class_id
        return support

    def auxiliary_losses(self, output: Output, episode: Episode) -> dict[str, torch.Tensor]:
        """Scalar loss terms of the network besides the loss of its logits, by name.

        Training adds them without weights. Intermediate results that they need are in the output's
        maps.

        Args:
            output: result of ``forward`` in training mode.
            episode: the same.
        """
        del output, episode
        return {}

    def encode(
        self,
        images: torch.Tensor,
        regions: torch.Tensor | None = None,
        embed: Embed | None = None,
    ) -> Features:
        """Encode a batch of images, before any support is seen.

        Args:
            images: (B, 3, H, W) uint8, or float in [0, 1].
            regions: (B, H, W) int32, -1 for none.
            embed: see ``forward``.

        Raises:
            ShapeError: height or width is not a multiple of ``window_multiple``.
        """
        size = check_window(images, self.window_multiple, self.name)
        return self.enhance(Features((embed or self.backbone)(images), size, regions))

    def forward(self, episode: Episode, embed: Embed | None = None) -> Output:
        """Predict an episode's queries; all its images form one backbone batch.

        Args:
            episode: a batch of queries with their supports.
            embed: function from images to the backbone's maps, such as a cache; the backbone if not
                given.
        """
        batch, shots = episode.query_image.shape[0], episode.num_shots
        images = torch.cat([episode.query_image, *episode.support_images.unbind(1)])
        features = self.encode(images, join_regions(episode), embed)
        learnt = [
            self.learn(
                features[batch * (shot + 1) : batch * (shot + 2)], episode.support_masks[:, shot]
            )
            for shot in range(shots)
        ]
        supports = [self.name_class(support, episode.class_id) for support in learnt]
        return self.predict(features[:batch], supports)


def fuse_predictions(
    predict_shot: Callable[[Features, Support], Output],
    features: Features,
    supports: Sequence[Support],
    rule: ShotFusion,
) -> Output:
    """Predict from each shot alone and fuse the logits by a rule of ``SHOT_FUSIONS``.

    Args:
        predict_shot: predicts from one support.
        features: features of the queries.
        supports: one per shot.
        rule: name of the rule; a single shot keeps its logits.

    Returns:
        The fused output; its auxiliary maps are those of the first shot.
    """
    outputs = [predict_shot(features, support) for support in supports]
    if len(outputs) == 1:
        return outputs[0]
    fused = fuse_shots([output.logits for output in outputs], rule)
    return replace(outputs[0], logits=fused)


def join_regions(episode: Episode) -> torch.Tensor | None:
    """Region maps of the queries, then of each shot: (B * (1 + S), H, W), or None."""
    if episode.query_regions is None or episode.support_regions is None:
        return None
    return torch.cat([episode.query_regions, *episode.support_regions.unbind(1)])
