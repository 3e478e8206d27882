"""Episodic training of a few-shot network."""

from __future__ import annotations

from typing import Any, Literal

import lightning.pytorch as lightning
import torch
from torch import nn

from fewscape.core import ConfigError, Episode, Output
from fewscape.losses import share_cross_entropy, share_dice
from fewscape.metrics import EpisodeCounts
from fewscape.models import FewShotModel
from fewscape.ops import resize_maps, sample_nearest
from fewscape.tasks.feature_cache import FeatureCache

Optimizer = Literal["sgd", "adam", "adamw"]
Schedule = Literal["constant", "poly", "cosine"]
POLY_POWER = 0.9


class FewShotSegmentation(lightning.LightningModule):
    """Trains a few-shot network on episodes; selects nothing, see ``SaveModelFolders``.

    Args:
        model: the network.
        optimizer: ``sgd`` has momentum 0.9, as in the papers.
        lr: rate of everything but the backbone.
        backbone_lr_factor: rate of the backbone relative to ``lr``; MGCL takes 1/1000.
        weight_decay: of every parameter.
        schedule: course of the rate over all steps; ``poly`` has power 0.9.
        warmup_steps: steps over which the rate rises linearly first.
        balanced: let foreground and background count alike, see ``share_cross_entropy``.
        dice_weight: weight of the Dice loss beside the cross-entropy.
        dense_classes: classes of the labels, for an auxiliary classification of every pixel by
            the backbone's levels; it teaches a backbone that starts from random weights.
        dense_weight: weight of that loss.
        cache_gigabytes: memory for features of a frozen backbone, so that an image seen again
            (same pixels) passes it only once; 0 for none.
    """

    def __init__(
        self,
        model: FewShotModel,
        optimizer: Optimizer = "sgd",
        lr: float = 1e-2,
        backbone_lr_factor: float = 1e-3,
        weight_decay: float = 5e-4,
        schedule: Schedule = "poly",
        warmup_steps: int = 0,
        balanced: bool = False,
        dice_weight: float = 0.0,
        dense_classes: int = 0,
        dense_weight: float = 0.0,
        cache_gigabytes: float = 0.0,
    ) -> None:
        super().__init__()
        self.model = model
        self.optimizer = optimizer
        self.lr = lr
        self.backbone_lr_factor = backbone_lr_factor
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.warmup_steps = warmup_steps
        self.balanced = balanced
        self.dice_weight = dice_weight
        self.dense_classes = dense_classes
        self.dense_weight = dense_weight if dense_classes else 0.0
        self.dense_heads = nn.ModuleList(
            nn.Conv2d(channels, dense_classes, 1)
            for channels in (model.backbone.channels if self.dense_weight else ())
        )
        self.cache = (
            FeatureCache(model.backbone, cache_gigabytes)
            if cache_gigabytes and model.backbone.is_frozen
            else None
        )
        self.counts = EpisodeCounts()

    def setup(self, stage: str) -> None:
        """See that the auxiliary classification knows every class of the labels.

        Raises:
            ConfigError: ``dense_classes`` is too small for the data, or there are several data
                sets, whose ids mean different things.
        """
        del stage
        data = getattr(self.trainer, "datamodule", None)
        if self.dense_weight and data is not None and data.num_datasets > 1:
            raise ConfigError(
                f"dense_classes is set, but the recipe trains on {data.num_datasets} data sets",
                "the same class id means another class in each of them",
                "leave dense_classes out, or train on one data set",
            )
        if self.dense_weight and data is not None and data.num_labels > self.dense_classes:
            raise ConfigError(
                f"dense_classes is {self.dense_classes}, but the labels go up to "
                f"{data.num_labels - 1}",
                f"expected at least {data.num_labels}",
            )

    def forward(self, episode: Episode) -> Output:
        """The network's output; the backbone's maps come from the cache where there is one."""
        output: Output = self.model(episode, self.cache or self.model.backbone)
        return output

    def training_step(self, episode: Episode, batch_index: int) -> torch.Tensor:
        """Cross-entropy of the queries, and what the recipe adds to it."""
        del batch_index
        maps: list[tuple[torch.Tensor, ...]] = []

        def embed(images: torch.Tensor) -> tuple[torch.Tensor, ...]:
            maps.append((self.cache or self.model.backbone)(images))
            return maps[0]

        output = self.model(episode, embed)
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
        """Add the queries to the counts."""
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
        """Log mIoU over the classes seen, and FB-IoU."""
        scores = self.counts.compute()
        self.log("val/miou", scores["miou"], prog_bar=True)
        self.log("val/fb_iou", scores["fb_iou"])
        self.counts.reset()

    def configure_optimizers(self) -> Any:  # noqa: ANN401 (Lightning takes many forms)
        """Two parameter groups and a schedule that advances with every step."""
        backbone = [p for p in self.model.backbone.parameters() if p.requires_grad]
        known = {id(parameter) for parameter in self.model.backbone.parameters()}
        rest = [p for p in self.parameters() if p.requires_grad and id(p) not in known]
        groups: list[dict[str, Any]] = [{"params": rest, "lr": self.lr}]
        if backbone:
            groups.append({"params": backbone, "lr": self.lr * self.backbone_lr_factor})
        optimizer = self._make_optimizer(groups)
        total = int(self.trainer.estimated_stepping_batches)
        scheduler = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: self._rate(step, total)
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def _make_optimizer(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        match self.optimizer:
            case "sgd":
                return torch.optim.SGD(groups, momentum=0.9, weight_decay=self.weight_decay)
            case "adam":
                return torch.optim.Adam(groups, weight_decay=self.weight_decay)
            case "adamw":
                return torch.optim.AdamW(groups, weight_decay=self.weight_decay)

    def _rate(self, step: int, total: int) -> float:
        """Factor of the rate at a step."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        done = min((step - self.warmup_steps) / max(total - self.warmup_steps, 1), 1.0)
        match self.schedule:
            case "constant":
                return 1.0
            case "poly":
                return float((1 - done) ** POLY_POWER)
            case "cosine":
                return 0.5 * (1 + torch.cos(torch.tensor(done * torch.pi)).item())
