"""Checkpoints of interrupted trainings: read without running what they may hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from fewscape.core import ConfigError

PARTS = ("pytorch-lightning_version", "state_dict", "optimizer_states", "loops", "epoch")
"""What every checkpoint of a training has, beside others."""

START_ANEW = "resume from the last.ckpt of an interrupted run, or start anew without --ckpt_path"


def check_checkpoint(path: Path) -> None:
    """See that a file is the checkpoint of a training, and nothing that runs.

    Raises:
        ConfigError: it is not.
    """
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the reader raises many kinds
        raise ConfigError(
            f"'{path}' cannot be read as a checkpoint",
            "it is damaged, or holds more than numbers and words, which is not read",
            START_ANEW,
        ) from error
    missing = [part for part in PARTS if not isinstance(content, dict) or part not in content]
    if missing:
        raise ConfigError(
            f"'{path}' is no checkpoint of a training: it has no '{missing[0]}'", "", START_ANEW
        )
    if content.get("hyper_parameters"):  # from which Lightning would build the network
        raise ConfigError(
            f"'{path}' names settings of its own", "a network is what its recipe says", START_ANEW
        )


def check_same_network(
    state: Mapping[str, torch.Tensor], checkpoint: Mapping[str, torch.Tensor]
) -> None:
    """See that a checkpoint has the weights that a training needs.

    Args:
        state: of the training.
        checkpoint: the same of the checkpoint.

    Raises:
        ConfigError: it has others.
    """
    lacking = [name for name in state if name not in checkpoint]
    spare = [name for name in checkpoint if name not in state]
    other = [
        name
        for name, tensor in state.items()
        if name in checkpoint and checkpoint[name].shape != tensor.shape
    ]
    if lacking or spare or other:
        raise ConfigError(
            f"the checkpoint was made by another network: {len(lacking)} weights are missing, "
            f"{len(spare)} are not known, {len(other)} have another shape",
            f"the first is '{(lacking + spare + other)[0]}'",
            "resume with the recipe of the interrupted run, or start anew without --ckpt_path",
        )
