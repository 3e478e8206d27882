"""Check checkpoints without running code that they may contain."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from fewscape.core import ConfigError

PARTS = ("pytorch-lightning_version", "state_dict", "optimizer_states", "loops", "epoch")
"""Keys of every training checkpoint."""

START_ANEW = "resume from the last.ckpt of an interrupted run, or start over without --ckpt_path"


def check_checkpoint(path: Path) -> None:
    """Check that a file is a training checkpoint without code.

    Raises:
        ConfigError: the file is something else.
    """
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the reader raises many kinds
        raise ConfigError(
            f"'{path}' cannot be read as a checkpoint",
            "it is damaged, or contains more than numbers and text, which could run code",
            START_ANEW,
        ) from error
    missing = [part for part in PARTS if not isinstance(content, dict) or part not in content]
    if missing:
        raise ConfigError(
            f"'{path}' is not a training checkpoint: it has no '{missing[0]}'", "", START_ANEW
        )
    if content.get("hyper_parameters"):  # from which Lightning would build the network
        raise ConfigError(
            f"'{path}' has settings of its own", "settings come only from the recipe", START_ANEW
        )


def check_same_network(
    state: Mapping[str, torch.Tensor], checkpoint: Mapping[str, torch.Tensor]
) -> None:
    """Check that a checkpoint has the weights of the network.

    Args:
        state: weights of the network.
        checkpoint: weights in the checkpoint.

    Raises:
        ConfigError: they differ.
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
            f"the checkpoint is of another network: {len(lacking)} weights are missing, "
            f"{len(spare)} are unknown, {len(other)} have another shape",
            f"the first is '{(lacking + spare + other)[0]}'",
            "resume with the recipe of the interrupted run, or start over without --ckpt_path",
        )
