"""Episodic training of the dual source network on labelled scenes."""

from __future__ import annotations

from typing import Any, NamedTuple

import lightning.pytorch as lightning
import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

from fewscape.datasets.pan_ms import (
    EpisodeOptions,
    PixelBank,
    PixelScene,
    describe_by_hand,
)
from fewscape.losses import ModalSamples, cross_modal_contrast
from fewscape.models.dual_source import DualSource, make_prototypes
from fewscape.tasks.optimized import OptimizedModule

REFRESH_EPOCHS = 5
"""Epochs after which sampling takes the network's descriptors anew."""
DESCRIPTORS = "descriptors"
CHUNK = 4096
"""Pixels described at a time."""


class StepEpisodes(NamedTuple):
    """Episodes of one step, all of one scene."""

    pixels: list[torch.Tensor]
    """(S + Q, 2) of each episode, supports first."""
    support_classes: list[torch.Tensor]
    """(S,) numbers below K."""
    query_classes: list[torch.Tensor]
    """(Q,) likewise."""


class SceneEpisodes(Dataset[StepEpisodes]):
    """Episodes as a function of seed, epoch and index alone.

    Args:
        scene: where pixels come from.
        options: see ``EpisodeOptions``.
        steps: steps of an epoch.
        per_step: episodes of a step; the scene is encoded once for all of them.
        seed: start of all chance.
    """

    def __init__(
        self,
        scene: PixelScene,
        options: EpisodeOptions | None = None,
        steps: int = 20,
        per_step: int = 4,
        seed: int = 0,
    ) -> None:
        self.scene = scene
        self.bank = PixelBank(scene.labels.numpy(), describe_by_hand(scene), options)
        self.steps = steps
        self.per_step = per_step
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> StepEpisodes:
        rng = np.random.default_rng([self.seed, self.epoch, index])
        drawn = [self.bank.draw(rng, self.epoch) for _ in range(self.per_step)]
        return StepEpisodes(
            [
                self.scene.pixels[torch.from_numpy(np.concatenate([e.supports, e.queries]))]
                for e in drawn
            ],
            [torch.from_numpy(e.support_classes) for e in drawn],
            [torch.from_numpy(e.query_classes) for e in drawn],
        )


class DualSourceSegmentation(OptimizedModule):
    """Trains the network on episodes of one scene: cross-entropy and cross-modal contrast.

    Args:
        model: the network.
        episodes: of the training ground; their scene is moved to the network's device.
        contrast_weight: of the contrast beside the cross-entropy.
        warmup_epochs: epochs without contrast.
        intra_weight: of the same contrast within each source, for comparison.
        margin: of the contrast.
        optimization: see ``OptimizedModule``.
    """

    model: DualSource

    def __init__(
        self,
        model: DualSource,
        episodes: SceneEpisodes,
        contrast_weight: float = 0.5,
        warmup_epochs: int = 5,
        intra_weight: float = 0.0,
        margin: float = 0.2,
        **optimization: Any,  # noqa: ANN401 (each has its type in OptimizedModule)
    ) -> None:
        super().__init__(**optimization)
        self.model = model
        self.episodes = episodes
        self.contrast_weight = contrast_weight
        self.warmup_epochs = warmup_epochs
        self.intra_weight = intra_weight
        self.margin = margin

    def train_dataloader(self) -> DataLoader[StepEpisodes]:
        """Episodes of the current epoch."""
        self.episodes.epoch = self.current_epoch
        return DataLoader(self.episodes, batch_size=None)

    def on_train_epoch_start(self) -> None:
        """Let sampling see what the network has learnt."""
        if self.current_epoch and self.current_epoch % REFRESH_EPOCHS == 0:
            descriptors = describe_pixels(self.model, self.episodes.scene)
            self.episodes.bank.refresh(descriptors.cpu().numpy())
            self.model.train()

    def training_step(self, batch: StepEpisodes, batch_index: int) -> torch.Tensor:
        """Mean loss of the episodes of a step."""
        del batch_index
        scene = self.episodes.scene
        device = self.model.gate.device
        maps = self.model.encode(
            scene.ms.to(device), scene.pan.to(device), scene.regions.to(device)
        )
        terms: list[torch.Tensor] = []
        contrasts: list[torch.Tensor] = []
        for pixels, support_classes, query_classes in zip(*batch, strict=True):
            regions = self.model.gather(maps, pixels)
            descriptors = self.model.fuse(regions)
            count, shots = int(support_classes.max()) + 1, len(support_classes)
            prototypes = make_prototypes(descriptors[:shots], support_classes, count)
            cosines = torch.matmul(descriptors[shots:], prototypes.t())
            terms.append(F.cross_entropy(cosines / self.model.config.temperature, query_classes))
            if self._has_contrast:
                ms, pan = (
                    self._sample(source, regions.keys, shots, support_classes, count)
                    for source in (regions.ms, regions.pan)
                )
                rest = regions.keys[shots:], query_classes, support_classes, self.margin
                contrast = cross_modal_contrast(ms, pan, *rest)
                if self.intra_weight:
                    inner = [cross_modal_contrast(own, own, *rest) for own in (ms, pan)]
                    contrast = contrast + self.intra_weight * torch.stack(inner).mean()
                contrasts.append(contrast)
        loss = torch.stack(terms).mean()
        self.log("train/cross_entropy", loss.detach())
        if contrasts:
            contrast = torch.stack(contrasts).mean()
            self.log("train/contrast", contrast.detach())
            loss = loss + self.contrast_weight * contrast
        self.log("train/loss", loss.detach(), prog_bar=True)
        return loss

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """What sampling sees is older than the weights, so it is kept."""
        checkpoint[DESCRIPTORS] = torch.from_numpy(self.episodes.bank.descriptors)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Sample as the interrupted run would have."""
        self.episodes.bank.refresh(checkpoint[DESCRIPTORS].numpy())

    @property
    def _has_contrast(self) -> bool:
        is_warm = self.current_epoch >= self.warmup_epochs
        return is_warm and self.contrast_weight > 0 and self.model.config.sources == "both"

    def _sample(
        self,
        source: torch.Tensor,
        keys: torch.Tensor,
        shots: int,
        support_classes: torch.Tensor,
        count: int,
    ) -> ModalSamples:
        supports = self.model.pool_keys(source[:shots], keys[:shots])
        return ModalSamples(
            source[shots:], supports, make_prototypes(supports, support_classes, count)
        )


def train_on_scene(
    task: DualSourceSegmentation,
    epochs: int,
    folder: str | None = None,
    checkpoint: str | None = None,
) -> DualSourceSegmentation:
    """Train for some epochs; in ``folder`` lies the checkpoint to resume from.

    Args:
        task: what is trained, in place.
        epochs: in all, those before a resumption included.
        folder: for the checkpoint; none is written if not given.
        checkpoint: to resume from.
    """
    trainer = lightning.Trainer(
        max_epochs=epochs,
        default_root_dir=folder,
        logger=False,
        enable_checkpointing=folder is not None,
        enable_progress_bar=False,
        enable_model_summary=False,
        gradient_clip_val=5.0,
        reload_dataloaders_every_n_epochs=1,
    )
    trainer.fit(task, ckpt_path=checkpoint)
    if folder is not None:
        trainer.save_checkpoint(f"{folder}/last.ckpt")
    return task


@torch.inference_mode()
def describe_pixels(
    model: DualSource, scene: PixelScene, pixels: torch.Tensor | None = None
) -> torch.Tensor:
    """Descriptors (P, D) of pixels of a scene, in evaluation mode.

    Args:
        model: the network; it stays in evaluation mode.
        scene: encoded once.
        pixels: (P, 2); the labelled ones if not given.
    """
    model.eval()
    device = model.gate.device
    maps = model.encode(scene.ms.to(device), scene.pan.to(device), scene.regions.to(device))
    wanted = scene.pixels if pixels is None else pixels
    parts = torch.split(wanted.to(device), CHUNK)
    return torch.cat([model.fuse(model.gather(maps, part)) for part in parts])
