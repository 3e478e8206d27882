"""The base of all training modules: optimiser, learning rates and schedule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import lightning.pytorch as lightning
import torch
from torch import nn

from fewscape.core import TrainingError
from fewscape.models import Network
from fewscape.training.checkpoints import check_same_network
from fewscape.training.lookahead import add_lookahead
from fewscape.training.number_ranges import check_range

Optimizer = Literal["sgd", "adam", "adamw"]
Schedule = Literal["constant", "poly", "cosine", "cosine_epoch"]
POLY_POWER = 0.9

CHECK_EVERY = 20
"""Steps between checks of a loss on a GPU, since each check synchronises."""


class OptimizedModule(lightning.LightningModule):
    """Base class of training modules.

    Args:
        optimizer: ``sgd`` has momentum 0.9, as in the papers.
        lr: learning rate of everything but the backbone.
        backbone_lr_factor: learning rate of the backbone relative to ``lr``; 1/1000 in MGCL.
        weight_decay: weight decay of every parameter.
        schedule: learning rate schedule over all steps; ``poly`` has power 0.9, ``cosine_epoch``
            changes only between epochs.
        warmup_steps: steps of linear warm-up.
        final_lr_factor: final learning rate of a cosine schedule relative to ``lr``.
        lookahead: use lookahead, see ``add_lookahead``.

    Raises:
        ConfigError: a number is out of range.
    """

    model: nn.Module
    map_command: str
    """Command that maps with the trained network, for its card."""

    def __init__(
        self,
        optimizer: Optimizer = "sgd",
        lr: float = 1e-2,
        backbone_lr_factor: float = 1e-3,
        weight_decay: float = 5e-4,
        schedule: Schedule = "poly",
        warmup_steps: int = 0,
        final_lr_factor: float = 0.0,
        lookahead: bool = False,
    ) -> None:
        super().__init__()
        check_range("model.lr", lr, 0, 1e3)
        check_range("model.backbone_lr_factor", backbone_lr_factor, 0, 1e6)
        check_range("model.weight_decay", weight_decay, 0, 1e3)
        check_range("model.warmup_steps", warmup_steps, 0, 1e12)
        check_range("model.final_lr_factor", final_lr_factor, 0, 1)
        self.optimizer = optimizer
        self.lr = lr
        self.backbone_lr_factor = backbone_lr_factor
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.warmup_steps = warmup_steps
        self.final_lr_factor = final_lr_factor
        self.lookahead = lookahead

    @property
    def backbone(self) -> nn.Module:
        """The module with the learning rate ``lr * backbone_lr_factor``; may be empty."""
        return self.model.backbone if isinstance(self.model, Network) else nn.Identity()

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:  # noqa: ANN401
        """Check that the loss is finite; on a GPU only every few steps.

        Raises:
            TrainingError: it is not.
        """
        del batch
        loss = outputs["loss"] if isinstance(outputs, Mapping) else outputs
        if not isinstance(loss, torch.Tensor):
            return
        if loss.device.type == "cpu" or batch_idx % CHECK_EVERY == 0:
            self._expect_finite(f"the loss is {float(loss)}", bool(torch.isfinite(loss).all()))

    def on_validation_start(self) -> None:
        """Check that the weights are finite before validation.

        Raises:
            TrainingError: some are not.
        """
        is_finite = all(bool(torch.isfinite(weight).all()) for weight in self.parameters())
        self._expect_finite("some weights are NaN or infinite", is_finite)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Check that the checkpoint is of this network.

        Raises:
            ConfigError: it is of another one.
        """
        check_same_network(self.state_dict(), checkpoint["state_dict"])

    def _expect_finite(self, problem: str, is_finite: bool) -> None:
        if not is_finite:
            raise TrainingError(
                f"the training failed at step {self.trainer.global_step}: {problem}",
                f"the learning rate (model.lr) is {self.lr:g}, and training cannot continue",
                "train again with a smaller model.lr; saved models are kept",
            )

    def describe(self) -> dict[str, Any]:
        """Entries of ``config.json`` from the training module."""
        return {}

    def configure_optimizers(self) -> Any:  # noqa: ANN401 (Lightning takes many forms)
        """Make two parameter groups and a schedule per step.

        None for a training-free network.
        """
        backbone = [p for p in self.backbone.parameters() if p.requires_grad]
        known = {id(parameter) for parameter in self.backbone.parameters()}
        rest = [p for p in self.parameters() if p.requires_grad and id(p) not in known]
        if not backbone and not rest:
            return None
        groups: list[dict[str, Any]] = [{"params": rest, "lr": self.lr}]
        if backbone:
            groups.append({"params": backbone, "lr": self.lr * self.backbone_lr_factor})
        optimizer = self._make_optimizer(groups)
        if self.lookahead:
            add_lookahead(optimizer)
        total = int(self.trainer.estimated_stepping_batches)
        per_epoch = max(1, total // max(1, self.trainer.max_epochs or 1))
        scheduler = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: self.rate(step, total, per_epoch)
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

    def rate(self, step: int, total: int, per_epoch: int = 1) -> float:
        """Learning rate factor at a step of ``total``, with ``per_epoch`` steps per epoch."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        if self.schedule == "cosine_epoch":
            step -= step % per_epoch
        done = min((step - self.warmup_steps) / max(total - self.warmup_steps, 1), 1.0)
        match self.schedule:
            case "constant":
                return 1.0
            case "poly":
                return float((1 - done) ** POLY_POWER)
            case "cosine" | "cosine_epoch":
                least = self.final_lr_factor
                return least + (1 - least) * 0.5 * (1 + math.cos(done * math.pi))
