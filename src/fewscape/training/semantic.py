"""Train a supervised network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from fewscape.core import ConfigError, Output
from fewscape.datasets import LabelledCrop
from fewscape.losses import class_cross_entropy, class_dice
from fewscape.metrics import ConfusionMatrix, score_confusion
from fewscape.models import SemanticModel
from fewscape.ops import resize_maps, widen
from fewscape.training.optimized import OptimizedModule

CLASS_NAMES = "class_names"


class SemanticSegmentation(OptimizedModule):
    """Trains a supervised network on labelled crops.

    The loss is cross-entropy plus Dice plus the network's own terms.

    Args:
        network: the network, without the number of classes, which the data set.
        class_names: classes of the labels, starting with class 0.
        smoothing: label smoothing of the cross-entropy.
        dice_weight: weight of the Dice loss.
        legacy_mean: see ``class_cross_entropy``; used by the published BiCoR-Seg.
        count_absent: see ``class_dice``; likewise.
        optimization: see ``OptimizedModule``.
    """

    model: SemanticModel
    map_command = "fewscape map SCENE --output DIR --model FOLDER"

    def __init__(
        self,
        network: Callable[[int], SemanticModel],
        class_names: Sequence[str],
        smoothing: float = 0.05,
        dice_weight: float = 1.0,
        legacy_mean: bool = False,
        count_absent: bool = False,
        **optimization: Any,  # noqa: ANN401 (each has its type in OptimizedModule)
    ) -> None:
        super().__init__(**optimization)
        self.class_names = tuple(class_names)
        self.model = network(len(self.class_names))
        self.smoothing = smoothing
        self.dice_weight = dice_weight
        self.legacy_mean = legacy_mean
        self.count_absent = count_absent
        self.confusion = ConfusionMatrix(len(self.class_names))

    def forward(self, images: torch.Tensor) -> Output:
        """The network's output for images (B, 3, H, W) uint8."""
        output: Output = self.model(images)
        return output

    def training_step(self, batch: LabelledCrop, batch_index: int) -> torch.Tensor:
        """The losses of a batch of crops."""
        del batch_index
        images, labels = batch
        output = self.model(images)
        logits = enlarge(output)
        cross_entropy = class_cross_entropy(logits, labels, self.smoothing, self.legacy_mean)
        dice = class_dice(logits, labels, count_absent=self.count_absent)
        terms = {"cross_entropy": cross_entropy, "dice": self.dice_weight * dice}
        terms |= self.model.auxiliary_losses(output, labels)
        for name, term in terms.items():
            self.log(f"train/{name}", term.detach())
        loss = torch.stack(list(terms.values())).sum()
        self.log("train/loss", loss.detach(), prog_bar=True)
        return loss

    def validation_step(self, batch: LabelledCrop, batch_index: int) -> None:
        """Count a batch of tiles."""
        del batch_index
        images, labels = batch
        logits = enlarge(self.model(images))
        loss = class_cross_entropy(logits, labels, self.smoothing, self.legacy_mean)
        self.log("val/loss", loss, batch_size=len(labels))
        self.confusion.update(logits.argmax(dim=1), labels)

    def on_validation_epoch_end(self) -> None:
        """Log mIoU, mean F1 and overall accuracy over all validation pixels."""
        scores = score_confusion(self.confusion.compute())
        self.log("val/miou", scores.miou, prog_bar=True)
        self.log("val/mean_f1", scores.mean_f1)
        self.log("val/accuracy", scores.overall_accuracy)
        self.confusion.reset()

    def describe(self) -> dict[str, Any]:
        """The classes, which mapping needs."""
        return {"classes": list(self.class_names)}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the classes in the checkpoint."""
        checkpoint[CLASS_NAMES] = list(self.class_names)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Check that the data have the classes of the interrupted run.

        Raises:
            ConfigError: they differ, or the checkpoint is of another network.
        """
        before = tuple(checkpoint.get(CLASS_NAMES, self.class_names))
        if before != self.class_names:
            raise ConfigError(
                f"the checkpoint was trained on {len(before)} classes ({', '.join(before)})",
                f"the data have {len(self.class_names)}: {', '.join(self.class_names)}",
                "resume with the data of the interrupted run, or start over without --ckpt_path",
            )
        super().on_load_checkpoint(checkpoint)


def enlarge(output: Output) -> torch.Tensor:
    """Upsample logits (B, N, H, W) to the images' resolution, float32 or wider."""
    return resize_maps(widen(output.logits), output.size)
