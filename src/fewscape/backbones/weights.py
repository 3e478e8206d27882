"""Load weights from a local file or a hub, with a full report of mismatches.

Nothing is unpickled: ``.pth`` files are read with ``weights_only=True``. A local path never
touches the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from fewscape.backbones.published_weights import fetching
from fewscape.core import WeightsError

State = Mapping[str, torch.Tensor]
SUFFIXES = (".safetensors", ".pth", ".pt")
HUB_PREFIX = "hf-hub:"
MAX_NAMES = 5


def locate(source: str) -> Path:
    """Locate the local file of a source: a path, or the download of ``hf-hub:owner/name[/file]``.

    Raises:
        WeightsError: the path does not exist, or the source is neither a path nor a hub name.
    """
    if source.startswith(HUB_PREFIX):
        return _download(source.removeprefix(HUB_PREFIX))
    path = Path(source).expanduser()
    if path.is_file():
        return path
    raise WeightsError(
        f"the weights '{source}' are not a file",
        f"expected a local file ({', '.join(SUFFIXES)}), '{HUB_PREFIX}owner/name', or 'imagenet'",
        "check the path",
    )


def _download(name: str) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HFValidationError

    if "/" not in name:
        raise WeightsError(f"'{HUB_PREFIX}{name}' has no owner", "expected hf-hub:owner/name")
    owner, repository, *rest = name.split("/")
    file = "/".join(rest) or "model.safetensors"
    try:
        with fetching(f"the weights '{file}' of '{owner}/{repository}' on the hub", "hub"):
            return Path(hf_hub_download(f"{owner}/{repository}", file))
    except HFValidationError as error:
        raise WeightsError(
            f"'{HUB_PREFIX}{name}' is not a name on the hub",
            str(error).splitlines()[0],
            "check the name",
        ) from error


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a ``.safetensors``, ``.pth`` or ``.pt`` file, on the CPU.

    For a training checkpoint, its ``state_dict`` or ``model`` entry is read.

    Raises:
        WeightsError: the format is unknown or the file damaged.
    """
    if path.suffix not in SUFFIXES:
        raise WeightsError(
            f"'{path.name}' is not a weight file", f"expected one of {', '.join(SUFFIXES)}"
        )
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # readers raise many kinds of errors
        raise WeightsError(
            f"'{path}' cannot be read as weights",
            str(error).splitlines()[0][:200],
            "the file is damaged or holds more than tensors; download or export it again",
        ) from error
    for key in ("state_dict", "model"):
        if isinstance(content.get(key), Mapping):
            content = content[key]
    return {name: value for name, value in content.items() if isinstance(value, torch.Tensor)}


def read_hints(path: Path) -> dict[str, Any]:
    """Read what a safetensors file states about its network.

    Known metadata are ``mean`` and ``std`` (comma separated), and in ``architecture`` the word
    after ``timm`` (``name``) and ``pad_type=...``; anything else is ignored.
    """
    if path.suffix != ".safetensors":
        return {}
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
    except SafetensorError:
        return {}  # read_state reports what is wrong with the file
    hints: dict[str, Any] = {
        key: tuple(float(value) for value in metadata[key].split(","))
        for key in ("mean", "std")
        if key in metadata
    }
    words = metadata.get("architecture", "").replace(",", " ").split()
    if words[:1] == ["timm"]:
        hints["name"] = words[1]
    for word in words:
        key, equals, value = word.partition("=")
        if equals and key == "pad_type":
            hints[key] = value
    return hints


def fit_state(network: nn.Module, state: State, source: str, unused: tuple[str, ...] = ()) -> None:
    """Load tensors into a network; all must fit.

    Step counters of batch norm may be absent. Values are cast to the network's dtype.

    Args:
        network: receives the weights.
        state: names and tensors; a ``module.`` prefix is dropped.
        source: name of the weights in the message.
        unused: prefixes that the state may have beyond the network, such as classifiers.

    Raises:
        WeightsError: lists the missing, unexpected, differently shaped and non-numeric keys.
    """
    check_finite(state, f"the weights '{source}'")
    given = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    wanted = network.state_dict()
    missing = [
        name for name in wanted if name not in given and not name.endswith("num_batches_tracked")
    ]
    unexpected = [
        name for name in given if name not in wanted and not name.startswith(unused or ("\0",))
    ]
    shapes = [
        f"{name} {tuple(given[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in given and given[name].shape != tensor.shape
    ]
    if missing or unexpected or shapes:
        parts = [
            f"{len(names)} {kind}: {_listing(names)}"
            for kind, names in (
                ("missing", missing),
                ("unexpected", unexpected),
                ("of another shape", shapes),
            )
            if names
        ]
        raise WeightsError(
            f"the weights '{source}' do not fit the network",
            "; ".join(parts),
            "use the weights of this architecture, or the architecture of these weights",
        )
    network.load_state_dict(
        {
            name: tensor.float() if tensor.is_floating_point() else tensor
            for name, tensor in given.items()
            if name in wanted
        },
        strict=False,
    )


def check_finite(state: State, what: str) -> None:
    """Check that all weights are finite.

    Args:
        state: names and tensors.
        what: name of the weights in the message.

    Raises:
        WeightsError: a tensor holds NaN or infinity.
    """
    wrong = [
        name
        for name, tensor in state.items()
        if tensor.is_floating_point() and not torch.isfinite(tensor).all()
    ]
    if wrong:
        raise WeightsError(
            f"{what} are not all finite",
            f"NaN or infinity is in {_listing(wrong)}",
            "their training failed; use an earlier model, or train with a lower learning rate",
        )


def _listing(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more
