"""Predict the queries of a manifest, batch by batch."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch

from fewscape.core import Closing, Policy
from fewscape.datasets import Crop, EpisodeSpec, FileCrops, Manifest
from fewscape.datasets.crops import mask_of, read_image, read_labels
from fewscape.evaluation.encoding import CropEncoder
from fewscape.models import FewShotModel
from fewscape.ops import resize_maps
from fewscape.regions import MakeRegions


class ManifestPredictor(Closing):
    """Runs a network over episodes; close it, or use it as a context manager.

    Args:
        model: the network, in evaluation mode and on the policy's device.
        manifest: the episodes.
        source: source of the crops.
        policy: device and precision.
        regions: region maker of the network, or None.
        batch_size: episodes per batch.
        max_feature_bytes: memory for features of later episodes.
    """

    def __init__(
        self,
        model: FewShotModel,
        manifest: Manifest,
        source: FileCrops,
        policy: Policy,
        regions: MakeRegions | None = None,
        batch_size: int = 8,
        max_feature_bytes: int = 2 << 30,
    ) -> None:
        self.model = model
        self.image_size = manifest.image_size
        self.policy = policy
        self.batches = _batch_episodes(manifest.episodes, batch_size)
        """Episodes of each step, all with the same number of shots."""
        self._source = source
        self.encoder = CropEncoder(
            model,
            [_crops_by_role(batch) for batch in self.batches],
            lambda crop: read_image(self._source, crop, self.image_size),
            policy,
            regions,
            max_feature_bytes,
            2 * batch_size,
        )

    def close(self) -> None:
        """Stop the reader threads."""
        self.encoder.close()

    @torch.inference_mode()
    def predict(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Predict the queries of one batch; call for each batch in order.

        Returns:
            Foreground (B, H, W) bool, and the true masks (B, H, W) uint8.
        """
        batch = self.batches[step]
        masks = self._masks(batch).to(self.policy.device)  # (B * (1 + S), H, W)
        dtype = self.policy.dtype
        with torch.autocast(self.policy.device.type, dtype, enabled=dtype != torch.float32):
            features = self.encoder.encode_step(step)
            parts = [slice(at, at + len(batch)) for at in range(0, len(masks), len(batch))]
            learnt = [self.model.learn(features[part], masks[part]) for part in parts[1:]]
            ids = torch.tensor([episode.class_id for episode in batch])
            supports = [self.model.name_class(support, ids) for support in learnt]
            output = self.model.predict(features[parts[0]], supports)
        logits = resize_maps(output.logits.float(), output.size)
        return logits[:, 1] > logits[:, 0], masks[parts[0]]

    def _masks(self, batch: Sequence[EpisodeSpec]) -> torch.Tensor:
        ids = itertools.cycle([episode.class_id for episode in batch])
        return torch.stack(
            [
                mask_of(read_labels(self._source, crop, self.image_size), class_id)
                for crop, class_id in zip(_crops_by_role(batch), ids, strict=False)
            ]
        )


def _batch_episodes(
    episodes: Sequence[EpisodeSpec], batch_size: int
) -> list[tuple[EpisodeSpec, ...]]:
    batches = []
    for _, run in itertools.groupby(episodes, key=lambda episode: len(episode.support)):
        same = tuple(run)
        batches += [same[at : at + batch_size] for at in range(0, len(same), batch_size)]
    return batches


def _crops_by_role(batch: Sequence[EpisodeSpec]) -> list[Crop]:
    """All queries, then all first supports, then all second ones, ..."""
    roles = zip(*(episode.crops for episode in batch), strict=True)
    return list(itertools.chain.from_iterable(roles))
