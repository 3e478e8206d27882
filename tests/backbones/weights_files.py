"""A weights file of a tiny backbone, for commands that refuse random weights."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from fewscape.backbones import BackboneConfig
from fewscape.models import Prototype

TINY = "test_resnet"


def write_weights(path: Path, seed: int = 0) -> Path:
    """Weights of ``TINY``, drawn by chance, as somebody's file."""
    torch.manual_seed(seed)
    state = Prototype(BackboneConfig(TINY)).backbone.state_dict()
    save_file({name.removeprefix("network."): value for name, value in state.items()}, path)
    return path
