"""A model on disk: weights, configuration, preprocessing and card in one folder.

::

    model.safetensors   the weights; nothing is unpickled
    config.json name and arguments of the network, SHA-256 of the weights, version preprocess.json
    bands, scaling, mean and standard deviation, window, regions; values and ground resolution of
    the training images, if known README.md           the model card
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import torch

from fewscape import __version__
from fewscape.backbones.weights import check_finite
from fewscape.core import ModelFolderError, hash_file, read_json, settle_folder, write_folder
from fewscape.models.folder_schema import check_config, check_preprocess

FORMAT = "fewscape-model/1"
WEIGHTS = "model.safetensors"
CONFIG = "config.json"
PREPROCESS = "preprocess.json"
CARD = "README.md"

MOST_BYTES = 4 << 20
"""Maximum bytes of each JSON file."""


class Storable(Protocol):
    """What a network needs to be saved to a folder."""

    name: ClassVar[str]

    def describe(self) -> dict[str, Any]:
        """The constructor's arguments as plain data, without the source of the weights."""

    def describe_input(self) -> dict[str, Any]:
        """How a file's values are preprocessed."""

    def state_dict(self) -> dict[str, Any]:
        """The weights."""


def save_model(
    model: Storable,
    folder: Path | str,
    card: str,
    window: int = 256,
    dtype: torch.dtype | None = None,
    facts: Mapping[str, Any] | None = None,
    seen: Mapping[str, Any] | None = None,
) -> Path:
    """Write a model folder atomically; an earlier one stays until then.

    Args:
        model: the network.
        folder: target folder, created if absent; files of an earlier model are replaced, others
            stay.
        card: text of the model card, Markdown.
        window: window side that the network was trained on, pixels.
        dtype: storage type of floating point weights; unchanged if not given.
        facts: further entries of ``config.json``, such as the training classes.
        seen: further entries of ``preprocess.json``, about the training images.
    """
    from safetensors.torch import save_file

    target = Path(folder)
    state = {
        name: (tensor.to(dtype) if dtype and tensor.is_floating_point() else tensor)
        .detach()
        .cpu()
        .contiguous()
        for name, tensor in model.state_dict().items()
    }
    check_finite(state, f"the weights for '{target}'")
    with write_folder(target) as draft:
        save_file(state, draft / WEIGHTS)
        config = {
            "format": FORMAT,
            "version": __version__,
            "model": model.name,
            "arguments": model.describe(),
            "sha256": hash_file(draft / WEIGHTS),
            **(facts or {}),
        }
        preprocess = model.describe_input() | {"window": window} | dict(seen or {})
        (draft / PREPROCESS).write_text(json.dumps(preprocess, indent=1) + "\n", "utf-8")
        (draft / CARD).write_text(card, "utf-8")
        (draft / CONFIG).write_text(json.dumps(config, indent=1) + "\n", "utf-8")
    return target


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A complete and unmodified model folder."""

    path: Path
    config: Mapping[str, Any]
    preprocess: Mapping[str, Any]

    @classmethod
    def open(cls, path: Path | str) -> ModelFolder:
        """Read and check a folder; the weights are hashed, not loaded.

        Raises:
            ModelFolderError: a file is missing, unreadable or invalid, or the weights were
                modified.
        """
        folder = Path(path)
        with suppress(OSError):  # settle a folder whose replacement was killed
            settle_folder(folder)
        for name in (CONFIG, PREPROCESS, WEIGHTS):
            if not (folder / name).is_file():
                raise ModelFolderError(
                    f"the model folder '{folder}' has no {name}",
                    f"expected {WEIGHTS}, {CONFIG} and {PREPROCESS}",
                    "copy the whole folder, or train it again with 'fewscape fit'",
                )
        config = _read_json(folder / CONFIG)
        if config.get("format") != FORMAT:
            raise ModelFolderError(
                f"'{folder / CONFIG}' has format {config.get('format')!r}",
                f"expected '{FORMAT}'",
                "update fewscape, or train the model with this version",
            )
        if hash_file(folder / WEIGHTS) != config.get("sha256"):
            raise ModelFolderError(
                f"the weights in '{folder / WEIGHTS}' are not those that {CONFIG} describes",
                "their SHA-256 differs, so the file was modified or is incomplete",
                "copy the folder again from its source",
            )
        preprocess = _read_json(folder / PREPROCESS)
        for name, content, check in (
            (CONFIG, config, check_config),
            (PREPROCESS, preprocess, check_preprocess),
        ):
            try:
                check(content)
            except ValueError as error:
                raise ModelFolderError(
                    f"'{folder / name}' does not describe a '{config.get('model')}': {error}",
                    "it was modified, or written by another version of fewscape",
                    "copy the folder again from its source, or train it again",
                ) from error
        return cls(folder, config, preprocess)

    @property
    def digest(self) -> str:
        """SHA-256 of everything in the folder that affects a map, hexadecimal."""
        told = {"config": self.config, "preprocess": self.preprocess}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    @property
    def window(self) -> int:
        """Window side that the network was trained on, pixels."""
        return int(self.preprocess["window"])

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes of a supervised network in the order of its logits, otherwise empty."""
        return tuple(self.config.get("classes", ()))

    @property
    def colours(self) -> tuple[tuple[int, int, int], ...] | None:
        """Colours of these classes, if their data set has any."""
        listed = self.config.get("training", {}).get("colours")
        return tuple((red, green, blue) for red, green, blue in listed) if listed else None

    def state(self) -> dict[str, torch.Tensor]:
        """The weights, on the CPU.

        Raises:
            ModelFolderError: the file has no weights.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(self.path / WEIGHTS)
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            raise ModelFolderError(
                f"'{self.path / WEIGHTS}' holds no weights: {error}",
                "expected a safetensors file",
                "copy the folder again from its source",
            ) from error


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        content = read_json(path, MOST_BYTES)
    except (OSError, ValueError) as error:
        raise ModelFolderError(
            f"'{path}' is not readable JSON: {error}", "", "copy the folder again from its source"
        ) from error
    if not isinstance(content, dict):
        raise ModelFolderError(f"'{path}' holds no JSON object", "", "copy the folder again")
    return content
