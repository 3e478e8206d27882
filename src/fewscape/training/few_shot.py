"""Episodic training of a few-shot network."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from fewscape.core import ConfigError, Episode, Output
from fewscape.losses import scale_cross_entropy, share_cross_entropy, share_dice
from fewscape.metrics import EpisodeCounts
from fewscape.models import FewShotModel
from fewscape.ops import resize_maps, sample_nearest
from fewscape.training.feature_cache import FeatureCache, MapStore, MemoryStore
from fewscape.training.feature_files import FileStore
from fewscape.training.optimized import OptimizedModule


class FewShotSegmentation(OptimizedModule):
    """Trains a few-shot network on episodes; ``SaveModelFolders`` selects the best epoch.

    Args:
        model: the network.
        balanced: weight foreground and background equally, see ``share_cross_entropy``.
        small_objects: give small objects more weight, see ``scale_cross_entropy`` (ICPD-Net); not
            together with ``balanced``.
        dice_weight: weight of the Dice loss relative to the cross-entropy.
        dense_classes: number of classes in the labels, for an auxiliary pixel classification by the
            backbone's levels, which trains a backbone from random weights.
        dense_weight: weight of that loss.
        cache_gigabytes: size of the cache for a frozen backbone's maps, so that an image with the
            same pixels is encoded once; 0 for none.
        cache_folder: cache folder for these maps instead of memory, shared by trainings of other
            heads, folds and seeds on the same images.
        optimization: see ``OptimizedModule``.
    """

    model: FewShotModel
    map_command = "fewscape map SCENE --examples FILE --output DIR --model FOLDER"

    def __init__(
        self,
        model: FewShotModel,
        balanced: bool = False,
        small_objects: bool = False,
        dice_weight: float = 0.0,
        dense_classes: int = 0,
        dense_weight: float = 0.0,
        cache_gigabytes: float = 0.0,
        cache_folder: str | None = None,
        **optimization: Any,  # noqa: ANN401 (each has its type in OptimizedModule)
    ) -> None:
        super().__init__(**optimization)
        self.model = model
        if balanced and small_objects:
            raise ConfigError(
                "balanced and small_objects are both set",
                "each defines its own pixel weights",
                "leave one out",
            )
        self.balanced = balanced
        self.small_objects = small_objects
        self.dice_weight = dice_weight
        self.dense_classes = dense_classes
        self.dense_weight = dense_weight if dense_classes else 0.0
        self.dense_heads = nn.ModuleList(
            nn.Conv2d(channels, dense_classes, 1)
            for channels in (model.backbone.channels if self.dense_weight else ())
        )
        self.cache = (
            FeatureCache(model.backbone, _open_store(model, cache_gigabytes, cache_folder))
            if cache_gigabytes and model.backbone.is_frozen
            else None
        )
        self.counts = EpisodeCounts()

    def setup(self, stage: str) -> None:
        """Check that the auxiliary classification covers every class of the labels.

        Raises:
            ConfigError: ``dense_classes`` is too small for the data, or there are several data
                sets, whose ids differ in meaning.
        """
        del stage
        data = getattr(self.trainer, "datamodule", None)
        if self.dense_weight and data is not None and data.num_datasets > 1:
            raise ConfigError(
                f"dense_classes is set, but the recipe trains on {data.num_datasets} data sets",
                "class ids differ in meaning between data sets",
                "leave dense_classes out, or train on one data set",
            )
        if self.dense_weight and data is not None and data.num_labels > self.dense_classes:
            raise ConfigError(
                f"dense_classes is {self.dense_classes}, but the labels go up to "
                f"{data.num_labels - 1}",
                f"expected at least {data.num_labels}",
            )

    def forward(self, episode: Episode) -> Output:
        """The network's output; the backbone's maps come from the cache if there is one."""
        output: Output = self.model(episode, self.cache or self.model.backbone)
        return output

    def training_step(self, episode: Episode, batch_index: int) -> torch.Tensor:
        """Cross-entropy of the queries plus the recipe's further terms."""
        del batch_index
        maps: list[tuple[torch.Tensor, ...]] = []

        def embed(images: torch.Tensor) -> tuple[torch.Tensor, ...]:
            maps.append((self.cache or self.model.backbone)(images))
            return maps[0]

        output = self.model(episode, embed)
        if self.small_objects:
            loss = scale_cross_entropy(output.logits, episode.query_mask)
        else:
            loss = share_cross_entropy(output.logits, episode.query_mask, self.balanced)
        self.log("train/cross_entropy", loss.detach())
        if self.dice_weight:
            loss = loss + self.dice_weight * share_dice(output.logits, episode.query_mask)
        if self.dense_weight and episode.query_labels is not None:
            dense = self._dense_loss(maps[0], episode.query_labels)
            self.log("train/dense", dense.detach())
            loss = loss + self.dense_weight * dense
        for name, term in self.model.auxiliary_losses(output, episode).items():
            self.log(f"train/{name}", term.detach())
            loss = loss + term
        self.log("train/loss", loss.detach(), prog_bar=True)
        return loss

    def _dense_loss(self, maps: tuple[torch.Tensor, ...], labels: torch.Tensor) -> torch.Tensor:
        """Cross-entropy of classifying each cell of the queries' maps, averaged over levels."""
        losses = []
        for head, level in zip(self.dense_heads, maps, strict=True):
            logits = head(level[: labels.shape[0]])
            targets = sample_nearest(labels, (logits.shape[2], logits.shape[3])).long()
            losses.append(nn.functional.cross_entropy(logits.float(), targets, ignore_index=255))
        return torch.stack(losses).nan_to_num().mean()

    def validation_step(self, episode: Episode, batch_index: int) -> None:
        """Count the queries."""
        del batch_index
        output = self(episode)
        self.log(
            "val/loss",
            share_cross_entropy(output.logits, episode.query_mask),
            batch_size=len(episode.class_id),
        )
        logits = resize_maps(output.logits.float(), output.size)
        self.counts.update(logits[:, 1] > logits[:, 0], episode.query_mask, episode.class_id)

    def on_validation_epoch_end(self) -> None:
        """Log mIoU over the classes, and FB-IoU."""
        scores = self.counts.compute()
        self.log("val/miou", scores["miou"], prog_bar=True)
        self.log("val/fb_iou", scores["fb_iou"])
        self.counts.reset()


def _open_store(model: FewShotModel, gigabytes: float, folder: str | None) -> MapStore:
    if folder is None:
        return MemoryStore(gigabytes)
    return FileStore(folder, model.backbone, gigabytes)
