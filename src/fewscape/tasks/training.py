"""Training from a recipe: LightningCLI with our defaults and our errors."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
from jsonargparse import ArgumentParser
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from fewscape.core import ConfigError, suggest
from fewscape.tasks.episode_data import EpisodeData
from fewscape.tasks.few_shot import FewShotSegmentation
from fewscape.tasks.model_folders import SaveModelFolders

logger = logging.getLogger(__name__)

TRAINER_DEFAULTS: dict[str, Any] = {
    "default_root_dir": "runs/fit",
    "reload_dataloaders_every_n_epochs": 1,  # episodes are a function of seed, epoch and index
    "gradient_clip_val": 1.0,
    "num_sanity_val_steps": 0,
    "enable_model_summary": False,
    "log_every_n_steps": 10,
}

UNKNOWN_KEY = re.compile(r"(?:[Kk]ey|[Oo]ption|[Aa]rgument)s?:? [\"'`]?([\w.]+)[\"'`]?")


class RecipeCLI(LightningCLI):
    """Adds loggers, the checkpoint to resume from and the model folders to every run."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """The folder callback has settings of its own."""
        parser.add_lightning_class_args(SaveModelFolders, "save")

    def _instantiate_trainer(
        self, config: dict[str, Any], callbacks: list[lightning.Callback]
    ) -> lightning.Trainer:
        root = Path(config["default_root_dir"])
        if config.get("logger") is None:
            config["logger"] = [
                CSVLogger(root, name="", version="csv"),
                TensorBoardLogger(root, name="", version="tensorboard"),
            ]
        callbacks.append(
            ModelCheckpoint(root / "checkpoints", filename="last", save_last=False, save_top_k=1)
        )
        return super()._instantiate_trainer(config, callbacks)


def train(argv: list[str]) -> lightning.Trainer:
    """Train as the arguments say: ``--config FILE`` and overrides such as ``--model.lr 0.001``.

    The resolved recipe is saved as ``config.yaml`` beside the results.

    Raises:
        ConfigError: the recipe is absent, has an unknown key or a value of the wrong type.
    """
    _quieten()
    try:
        cli = RecipeCLI(
            FewShotSegmentation,
            EpisodeData,
            args=["fit", *argv],
            seed_everything_default=0,
            trainer_defaults=TRAINER_DEFAULTS,
            save_config_kwargs={"overwrite": True},
            parser_kwargs={"exit_on_error": False, "fit": {"exit_on_error": False}},
            auto_configure_optimizers=False,
        )
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        raise ConfigError("the recipe cannot be read") from stop
    return cli.trainer


def _quieten() -> None:
    """Hide hints of Lightning that do not concern whoever runs a recipe."""
    for pattern in (
        ".*does not have many workers.*",
        ".*`isinstance.*LeafSpec.*",
        ".*pin_memory.*",
    ):
        warnings.filterwarnings("ignore", pattern)
