"""Train from a recipe: LightningCLI with our defaults and errors."""

from __future__ import annotations

import argparse
import difflib
import inspect
import re
import warnings
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import ModelCheckpoint, Timer
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from fewscape.backbones import BackboneConfig
from fewscape.core import (
    ConfigError,
    OutputError,
    check_folder,
    find_packaged,
    packaged_folder,
    suggest,
)
from fewscape.datasets import Augment, CropOptions
from fewscape.datasets.pan_ms import EpisodeOptions
from fewscape.models import DualSourceConfig, FewShotModel, SemanticModel
from fewscape.training.checkpoints import check_checkpoint
from fewscape.training.dual_source import DualSourceSegmentation
from fewscape.training.episode_data import EpisodeData
from fewscape.training.episode_sources import FolderSource, SyntheticSource
from fewscape.training.few_shot import FewShotSegmentation
from fewscape.training.model_folders import SaveModelFolders
from fewscape.training.optimized import OptimizedModule
from fewscape.training.pair_data import PairData
from fewscape.training.recipe_files import read_recipe
from fewscape.training.semantic import SemanticSegmentation
from fewscape.training.semantic_data import SemanticData

TRAINER_DEFAULTS: dict[str, Any] = {
    "default_root_dir": "runs/fit",
    "reload_dataloaders_every_n_epochs": 1,  # episodes are a function of seed, epoch and index
    "gradient_clip_val": 1.0,
    "num_sanity_val_steps": 0,
    "enable_model_summary": False,
    "log_every_n_steps": 10,
}

HINTS = (
    ".*does not have many workers.*",
    ".*args parameter is intended to run from within Python.*",
    ".*number of training batches.*is smaller than the logging interval.*",
    ".*pin_memory.*",
    ".*configure_optimizers. returned .None.*",
    ".*LeafSpec.*",
    ".*Checkpoint directory .* exists and is not empty.*",
)
"""Irrelevant warnings of Lightning."""

UNKNOWN_KEY = re.compile(r"(?:[Oo]ption '|unrecognized arguments: --)(?P<key>[\w.]+)")
TASKS: dict[str, tuple[type[OptimizedModule], type[lightning.LightningDataModule]]] = {
    "few_shot": (FewShotSegmentation, EpisodeData),
    "semantic": (SemanticSegmentation, SemanticData),
    "dual_source": (DualSourceSegmentation, PairData),
}
"""What a recipe may train, by its key ``task``; the first by default."""

SECTIONS = (
    *(section for sections in TASKS.values() for section in sections),
    OptimizedModule,
    SaveModelFolders,
    lightning.Trainer,
    *FewShotModel.__subclasses__(),
    *SemanticModel.__subclasses__(),
    BackboneConfig,
    DualSourceConfig,
    EpisodeOptions,
    CropOptions,
    FolderSource,
    SyntheticSource,
    Augment,
)
"""The classes of a recipe, whose arguments are its keys."""


class RecipeCLI(LightningCLI):
    """Adds loggers, resuming and model folders to every run."""

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:  # noqa: ANN401
        """Check paths before any work, and before Lightning reads a checkpoint."""
        super().parse_arguments(parser, args)
        settings = self.config[self.config.subcommand]
        root = Path(settings.trainer.default_root_dir)
        _check_writable(root)
        if settings.get("weights_only") is False:
            raise ConfigError(
                "'weights_only' is False",
                "anything but numbers and text in a checkpoint could run code",
                "remove it",
            )
        settings.weights_only = True
        checkpoint = settings.get("ckpt_path")
        if checkpoint is not None:
            if not Path(checkpoint).is_file():
                raise ConfigError(
                    f"there is no checkpoint '{checkpoint}'",
                    "expected the last.ckpt of an interrupted run",
                    "check --ckpt_path, or omit it to start over",
                )
            settings.ckpt_path = str(Path(checkpoint).resolve())  # not a keyword of Lightning
            check_checkpoint(Path(checkpoint))
        elif SLURMEnvironment.detect():  # Lightning resumes from these
            for left in root.glob("hpc_ckpt_*.ckpt"):
                check_checkpoint(left)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """The folder callback has settings of its own."""
        parser.add_lightning_class_args(SaveModelFolders, "save")
        parser.add_argument("--task", choices=TASKS, default=next(iter(TASKS)))
        if self._model_class is SemanticSegmentation:
            parser.link_arguments("data.class_names", "model.class_names", apply_on="instantiate")

    def _instantiate_trainer(
        self, config: dict[str, Any], callbacks: list[lightning.Callback]
    ) -> lightning.Trainer:
        root = Path(config["default_root_dir"])
        if config.get("logger") is None:
            config["logger"] = [
                CSVLogger(root, name="csv"),  # a version per start, since it deletes older rows
                TensorBoardLogger(root, name="", version="tensorboard"),
            ]
        callbacks.append(
            ModelCheckpoint(root / "checkpoints", "last", enable_version_counter=False)
        )
        callbacks.append(Timer(verbose=False))  # adds up over interruptions
        try:
            return super()._instantiate_trainer(config, callbacks)
        except (TypeError, ValueError) as error:
            raise _refuse_trainer(error) from error


def train(argv: list[str]) -> lightning.Trainer:
    """Train by ``--config RECIPE`` and overrides such as ``--model.lr 0.001``.

    A recipe is a file or the name of a packaged one (see ``name_recipes``). The resolved recipe is
    saved as ``config.yaml`` beside the logs.

    Raises:
        ConfigError: the recipe or checkpoint is absent, or the recipe has an unknown key or a value
            of the wrong type.
        OutputError: the folder of the run cannot be written.
    """
    for pattern in HINTS:
        warnings.filterwarnings("ignore", pattern)
    strict = {"exit_on_error": False}
    argv = name_recipes(argv)
    task, data = TASKS[_find_task(argv)]
    try:
        cli = RecipeCLI(
            task,
            data,
            args=["fit", *argv],
            seed_everything_default=0,
            trainer_defaults=TRAINER_DEFAULTS,
            save_config_kwargs={"overwrite": True},
            parser_kwargs=strict | {"fit": dict(strict)},
            auto_configure_optimizers=False,
        )
    except argparse.ArgumentError as error:
        raise _explain(str(error)) from error
    except MisconfigurationException as error:
        raise _refuse_trainer(error) from error
    return cli.trainer


def name_recipes(argv: list[str]) -> list[str]:
    """Replace the names of packaged recipes by paths.

    A folder's shared recipe ``common`` comes before the first of its recipes: ``--config
    aerial4/mgcl`` means ``--config aerial4/common --config aerial4/mgcl``.

    Raises:
        ConfigError: a recipe is neither a file nor packaged.
    """
    words, seen = [], set[Path]()
    rest = iter(argv)
    for word in rest:
        option, equals, name = word.partition("=")
        if option not in ("--config", "-c"):
            words.append(word)
            continue
        path = find_packaged("recipes", name if equals else next(rest, ""))
        common = path.with_name("common.yaml")
        is_packaged = path.is_relative_to(packaged_folder("recipes"))
        parts = [common, path] if is_packaged and common.is_file() else [path]
        words += [f"--config={part}" for part in parts if part not in seen]
        seen.update(parts)
    return words


def _find_task(argv: list[str]) -> str:
    """Find the key ``task`` in the arguments, or in the last recipe that has it.

    Raises:
        ConfigError: the task is unknown, or a recipe cannot be read.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--task")
    parser.add_argument("--config", "-c", action="append", default=[], type=Path)
    known, _ = parser.parse_known_args(argv)
    name = known.task
    recipes = [read_recipe(path) for path in known.config if path.is_file()]
    for recipe in reversed(recipes):
        name = recipe.get("task") if name is None else name
    if name is None:
        return next(iter(TASKS))
    if name not in TASKS:
        raise ConfigError(
            f"the recipe has the unknown task '{name}'", "", suggest(str(name), TASKS)
        )
    return str(name)


def _check_writable(folder: Path) -> None:
    try:
        check_folder(folder)
    except OSError as error:
        raise OutputError(
            f"the folder '{folder}' cannot be written: {error.strerror}",
            "logs, checkpoints and model folders are written there",
            "choose another with --trainer.default_root_dir",
        ) from error


def _refuse_trainer(error: Exception) -> ConfigError:
    told = " ".join(str(error).split())[:300]
    return ConfigError(f"the trainer cannot be set up: {told}", "", "see: fewscape fit --help")


def _explain(message: str) -> ConfigError:
    """Turn the parser's error into a sentence that says what to write."""
    if match := UNKNOWN_KEY.search(message):
        option = match["key"]
        known = {name for section in SECTIONS for name in inspect.signature(section).parameters}
        nearest = difflib.get_close_matches(option.rpartition(".")[2], known, n=1)
        return ConfigError(
            f"the recipe has an unknown key '{option}'",
            f"did you mean '{nearest[0]}'?" if nearest else "",
            "see: fewscape fit --help",
        )
    told = " ".join(message.replace("required: fit.", "required: --").split())
    return ConfigError(f"the recipe cannot be used: {told[:500]}")
