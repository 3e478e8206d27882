"""Save the best and the last network of a run as model folders."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import lightning.pytorch as lightning
import torch

from fewscape import __version__
from fewscape.core import ConfigError, suggest
from fewscape.models import Storable, save_model
from fewscape.training.optimized import OptimizedModule

CARD = """# {name}: trained by fewscape {version}

| | |
|---|---|
| network | {name}, {parameters:,} parameters |
{told}
| steps | {steps} |
| selected by | {selection} |

Map a scene with `{command}`.

Licences: the code is Apache-2.0. The weights inherit the terms of the backbone's weights and of the
training data named above; check them before you share this folder.
"""

UNKNOWN_WINDOW = 256
"""Default window side."""

TITLES = {
    "backbone": "backbone",
    "data": "training data",
    "held_out": "held-out concepts",
    "classes": "classes",
    "validation": "validation",
}
"""Rows of the card by fact."""


class SaveModelFolders(lightning.Callback):
    """Writes ``best`` (highest score in validation) and ``last``.

    Args:
        folder: parent folder; ``trainer.default_root_dir`` if not given.
        monitor: logged score that selects the best network; higher is better.
        half_precision: store weights as float16, for smaller files.
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

    def on_fit_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Write ``last`` for a network without training."""
        if trainer.max_epochs == 0 and trainer.is_global_zero:
            assert isinstance(pl_module, OptimizedModule)
            self._write(trainer, pl_module, "last", math.nan)

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Write ``last``, and ``best`` if the score rose.

        Raises:
            ConfigError: the monitored score is not logged.
        """
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        assert isinstance(pl_module, OptimizedModule)
        scores = trainer.callback_metrics
        if self.monitor not in scores:
            raise ConfigError(
                f"save.monitor is '{self.monitor}', which is not logged",
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
        task: OptimizedModule,
        name: str,
        score: float,
    ) -> None:
        model = cast(Storable, task.model)
        data = getattr(trainer, "datamodule", None)
        training: dict[str, Any] = data.describe() if data is not None else {}
        facts = task.describe()
        card = CARD.format(
            name=model.name,
            version=__version__,
            parameters=sum(parameter.numel() for parameter in task.model.parameters()),
            told="\n".join(_describe_facts(_find_backbone(model) | training | facts)),
            steps=trainer.global_step,
            selection=self._describe_selection(name, score),
            command=task.map_command,
        )
        target = Path(self.folder or trainer.default_root_dir) / name
        facts |= {"training": training, "score": score if math.isfinite(score) else None}
        window = getattr(data, "image_size", UNKNOWN_WINDOW)
        has_facts = hasattr(type(data), "input_facts")  # do not hide an error inside it
        seen: dict[str, Any] = cast(Any, data).input_facts if has_facts else {}
        save_model(model, target, card, window, self.dtype, facts, seen)

    def _describe_selection(self, name: str, score: float) -> str:
        if math.isnan(score):
            return "nothing, since it is training-free"
        return f"{self.monitor} = {score:.4f} in validation" if name == "best" else "last epoch"

    def state_dict(self) -> dict[str, Any]:
        """Save the best score, so that a resumed run does not overwrite a better folder."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue with the best score of the interrupted run."""
        self.best = state_dict["best"]


def _find_backbone(model: Storable) -> dict[str, Any]:
    arguments = model.describe()
    return {"backbone": arguments["backbone"]["name"]} if "backbone" in arguments else {}


def _describe_facts(facts: Mapping[str, Any]) -> Iterator[str]:
    """Rows of the card."""
    for key, title in TITLES.items():
        if key in facts:
            value = facts[key]
            words = value if isinstance(value, str) else ", ".join(map(str, value)) or "none"
            yield f"| {title} | {words} |"
