"""Episodic training of the dual source network on labelled scenes."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as lightning
import numpy as np
import torch
import torch.nn.functional as F

from fewscape.core import ConfigError
from fewscape.datasets.pan_ms import PixelScene
from fewscape.evaluation import evaluate_pixels
from fewscape.losses import ModalSamples, cross_modal_contrast
from fewscape.models.dual_source import DualSource, describe_grid, make_prototypes
from fewscape.training.optimized import OptimizedModule
from fewscape.training.scene_episodes import SceneData, StepEpisodes

CHUNK = 4096
"""Pixels per batch."""
VAL_SHOTS, VAL_DRAWS = 5, 3
"""Supports per class and number of draws in validation."""


class DualSourceSegmentation(OptimizedModule):
    """Trains the network on episodes: cross-entropy and cross-modal contrast.

    Logs ``val/aa``: the average accuracy with five shots per class, averaged over scenes.

    Args:
        network: the network to train.
        classification_weight: weight of the cross-entropy.
        contrast_weight: weight of the contrast.
        warmup_epochs: epochs without contrast.
        cross_weight: weight of the contrast between sources.
        intra_weight: weight of the contrast within each source, the only one in the published code.
        margin: margin of the contrast.
        refresh_epochs: epochs between updates of the descriptors for sampling; 0 keeps the
            handcrafted ones.
        optimization: see ``OptimizedModule``.
    """

    model: DualSource
    map_command = "fewscape map --pan PAN.tif --ms MS.tif --examples FILE --model FOLDER"

    def __init__(
        self,
        network: DualSource,
        classification_weight: float = 1.0,
        contrast_weight: float = 0.5,
        warmup_epochs: int = 5,
        cross_weight: float = 1.0,
        intra_weight: float = 0.0,
        margin: float = 0.2,
        refresh_epochs: int = 5,
        **optimization: Any,  # noqa: ANN401 (each has its type in OptimizedModule)
    ) -> None:
        super().__init__(**optimization)
        self.model = network
        self.classification_weight = classification_weight
        self.contrast_weight = contrast_weight
        self.warmup_epochs = warmup_epochs
        self.cross_weight = cross_weight
        self.intra_weight = intra_weight
        self.margin = margin
        self.refresh_epochs = refresh_epochs

    def on_fit_start(self) -> None:
        """Check that network and scenes match.

        Raises:
            ConfigError: they differ in ratio or number of bands.
        """
        config = self.model.config
        for scene in self.trainer.datamodule.episodes.scenes:  # type: ignore[attr-defined]
            found = scene.pan.shape[1] // scene.ms.shape[1], len(scene.ms)
            if found != (config.ratio, config.bands):
                raise ConfigError(
                    f"the network needs a ratio of {config.ratio} and {config.bands} bands",
                    f"the training scenes have {found[0]} and {found[1]}",
                    "set model.network.init_args.config.ratio to data.ratio",
                )

    def on_train_epoch_start(self) -> None:
        """Update the descriptors for sampling."""
        epoch = self.current_epoch
        if not self.refresh_epochs or not epoch or epoch % self.refresh_epochs:
            return
        episodes = self.trainer.datamodule.episodes  # type: ignore[attr-defined]
        for scene, bank in zip(episodes.scenes, episodes.banks, strict=True):
            bank.refresh(describe_labelled(self.model, scene).cpu().numpy())
        self.model.train()

    def validation_step(self, batch: PixelScene, batch_index: int) -> None:
        """Draw supports from half of the labelled pixels and classify the rest."""
        rng = np.random.default_rng(batch_index)
        is_support = torch.from_numpy(rng.random(len(batch.labels)) < 0.5)
        descriptors = describe_labelled(self.model, batch)
        scores = evaluate_pixels(
            descriptors[is_support],
            batch.labels[is_support],
            descriptors[~is_support],
            batch.labels[~is_support],
            VAL_SHOTS,
            self.model.config.temperature,
            VAL_DRAWS,
        )
        self.log("val/aa", scores["aa"], batch_size=1)

    def training_step(self, batch: StepEpisodes, batch_index: int) -> torch.Tensor:
        """Mean loss over the episodes of a step."""
        del batch_index
        scene = batch.scene
        device = self.model.gate.device
        maps = self.model.encode(
            scene.ms.to(device), scene.pan.to(device), scene.regions.to(device)
        )
        terms: list[torch.Tensor] = []
        contrasts: list[torch.Tensor] = []
        for pixels, support_classes, query_classes in zip(*batch[1:], strict=True):
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
                contrast = self.cross_weight * cross_modal_contrast(ms, pan, *rest)
                if self.intra_weight:
                    inner = [cross_modal_contrast(own, own, *rest) for own in (ms, pan)]
                    contrast = contrast + self.intra_weight * torch.stack(inner).mean()
                contrasts.append(contrast)
        cross_entropy = torch.stack(terms).mean()
        self.log("train/cross_entropy", cross_entropy.detach())
        loss = self.classification_weight * cross_entropy
        if contrasts:
            contrast = torch.stack(contrasts).mean()
            self.log("train/contrast", contrast.detach())
            loss = loss + self.contrast_weight * contrast
        self.log("train/loss", loss.detach(), prog_bar=True)
        return loss

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


def train_on_scenes(
    task: DualSourceSegmentation,
    data: SceneData,
    epochs: int,
    folder: str | None = None,
    checkpoint: str | None = None,
) -> DualSourceSegmentation:
    """Train for some epochs, with a checkpoint in ``folder``.

    Args:
        task: the training module, changed in place.
        data: the episodes.
        epochs: total epochs, including those before resuming.
        folder: folder of the checkpoint; none is written if not given.
        checkpoint: checkpoint to resume from.
    """
    trainer = lightning.Trainer(
        max_epochs=epochs,
        default_root_dir=folder,
        logger=False,
        enable_checkpointing=folder is not None,
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_val_batches=None if data.validation else 0,
        gradient_clip_val=5.0,
        reload_dataloaders_every_n_epochs=1,
    )
    trainer.fit(task, datamodule=data, ckpt_path=checkpoint)
    if folder is not None:
        trainer.save_checkpoint(f"{folder}/last.ckpt")
    return task


@torch.inference_mode()
def describe_labelled(
    model: DualSource, scene: PixelScene, pixels: torch.Tensor | None = None
) -> torch.Tensor:
    """Compute descriptors (P, D) of a scene's pixels in evaluation mode.

    Args:
        model: the network; it stays in evaluation mode.
        scene: the scene, encoded once.
        pixels: (P, 2) pixels; the labelled ones if not given.
    """
    model.eval()
    device = model.gate.device
    maps = model.encode(scene.ms.to(device), scene.pan.to(device), scene.regions.to(device))
    if pixels is None:
        rows, cols = scene.pixels.t().to(device)
        return describe_grid(model, maps)[rows, cols]
    parts = torch.split(pixels.to(device), CHUNK)
    return torch.cat([model.fuse(model.gather(maps, part)) for part in parts])
