"""Vectors of class names, stored with their order and refused in any other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from fewscape.core import WeightsError

TENSOR = "texts"
CLASSES = "classes"


def save_texts(path: Path | str, vectors: torch.Tensor, names: Sequence[str]) -> None:
    """Write vectors (n, width) and their names as safetensors."""
    from safetensors.torch import save_file

    save_file({TENSOR: vectors.float().contiguous()}, path, {CLASSES: json.dumps(list(names))})


def read_texts(path: Path | str, names: Sequence[str], width: int) -> torch.Tensor:
    """Read the vectors (n, width) float32 of these names, in this order.

    Raises:
        WeightsError: the file was not written by ``save_texts``, or differs in names, order or
            width.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            stored = json.loads((file.metadata() or {})[CLASSES])
            vectors: torch.Tensor = file.get_tensor(TENSOR)
    except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise WeightsError(
            f"'{path}' holds no vectors of class names",
            f"expected a file of save_texts ({error})",
            "make it again with fewscape.backbones.save_texts",
        ) from error
    if stored != list(names):
        raise WeightsError(
            f"'{path}' holds the classes {', '.join(stored)}",
            f"expected {', '.join(names)}, in this order",
            "set class_names to the file's, or make the file again",
        )
    if vectors.shape[1] != width:
        raise WeightsError(
            f"the vectors in '{path}' have {vectors.shape[1]} values",
            f"the image tower gives {width}",
            "make them with the text tower that belongs to the image tower",
        )
    return vectors


class ClassTexts(nn.Module):
    """Vectors of a network's class names, as part of its weights.

    Loading a state with other names or another order is refused.

    Args:
        names: class names in the network's order.
        vectors: (n, width).
    """

    vectors: torch.Tensor
    digest: torch.Tensor

    def __init__(self, names: Sequence[str], vectors: torch.Tensor) -> None:
        super().__init__()
        self.names = tuple(names)
        self.register_buffer("vectors", vectors.float())
        found = hashlib.sha256(json.dumps(self.names).encode()).digest()
        self.register_buffer("digest", torch.tensor(list(found), dtype=torch.uint8))

    def _load_from_state_dict(
        self,
        state: Mapping[str, torch.Tensor],
        prefix: str,
        *arguments: Any,  # noqa: ANN401 (handed on to torch)
    ) -> None:
        given = state.get(f"{prefix}digest")
        if given is not None and not torch.equal(given.cpu(), self.digest.cpu()):
            raise WeightsError(
                "the weights were trained with other class names, or with another order of them",
                f"this network knows {', '.join(self.names)}",
                "set class_names to those of the training",
            )
        super()._load_from_state_dict(state, prefix, *arguments)
