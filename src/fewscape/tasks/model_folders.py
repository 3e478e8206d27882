"""Keeps the best and the last network of a run as model folders."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch

from fewscape import __version__
from fewscape.core import ConfigError, suggest
from fewscape.models import save_model
from fewscape.tasks.few_shot import FewShotSegmentation

CARD = """# {name}: trained by fewscape {version}

| | |
|---|---|
| network | {name}, {parameters:,} parameters |
| backbone | {backbone} |
| training data | {data} |
| held-out concepts | {hidden} |
| steps | {steps} |
| selected by | {selection} |

Load it with `fewscape map SCENE --examples FILE --output DIR --model FOLDER`.

Licences: the code is Apache-2.0. The weights inherit the terms of the backbone's weights and of the
training data named above; check them before you share this folder.
"""


class SaveModelFolders(lightning.Callback):
    """Writes ``best`` (highest score on validation episodes of base classes) and ``last``.

    Args:
        folder: where; ``trainer.default_root_dir`` if not given.
        monitor: logged score that decides, higher is better.
        half_precision: store weights as float16, for networks that are sent around.
    """

    def __init__(
        self,
        folder: str | None = None,
        monitor: str = "val/miou",
        half_precision: bool = False,
    ) -> None:
        self.folder = folder
        self.monitor = monitor
        self.dtype = torch.float16 if half_precision else None
        self.best = -math.inf

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Write ``last``, and ``best`` if the score rose.

        Raises:
            ConfigError: nothing is logged under the name of the score.
        """
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        assert isinstance(pl_module, FewShotSegmentation)
        scores = trainer.callback_metrics
        if self.monitor not in scores:
            raise ConfigError(
                f"save.monitor names the score '{self.monitor}', which is not logged",
                "",
                suggest(self.monitor, scores),
            )
        value = float(scores[self.monitor])
        self._write(trainer, pl_module, "last", value)
        if value > self.best:
            self.best = value
            self._write(trainer, pl_module, "best", value)

    def _write(
        self,
        trainer: lightning.Trainer,
        task: FewShotSegmentation,
        name: str,
        score: float,
    ) -> None:
        data = getattr(trainer, "datamodule", None)
        facts: dict[str, Any] = data.describe() if data is not None else {}
        card = CARD.format(
            name=task.model.name,
            version=__version__,
            parameters=sum(parameter.numel() for parameter in task.model.parameters()),
            backbone=task.model.describe()["backbone"]["name"],
            data=facts.get("data", "not stated"),
            hidden=", ".join(facts.get("held_out", [])) or "none",
            steps=trainer.global_step,
            selection=f"{self.monitor} = {score:.4f} on held-out images of base classes"
            if name == "best"
            else "last epoch",
        )
        target = Path(self.folder or trainer.default_root_dir) / name
        told = {"training": facts, "score": score if math.isfinite(score) else None}
        save_model(task.model, target, card, dtype=self.dtype, facts=told)

    def state_dict(self) -> dict[str, Any]:
        """The best score so far, so that a resumed run does not overwrite a better folder."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue with the best score of the interrupted run."""
        self.best = state_dict["best"]
