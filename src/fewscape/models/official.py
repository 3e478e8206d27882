"""Conversion of published checkpoints that several networks share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import torch

from fewscape.core import WeightsError

TRUNK_PARTS = {
    "encoder_layer4": "squeeze32",
    "encoder_layer3": "squeeze16",
    "encoder_layer2": "squeeze8",
    "encoder_layer4to3": "mix16",
    "encoder_layer3to2": "mix8",
    "decoder1": "decode8",
    "decoder2": "decode4",
}
"""HSNet's names of the decoder's parts, kept by its descendants, and ours."""

SIDES = {"conv1": "query", "conv2": "support"}
UNUSED = ("backbone.fc.", "backbone.classifier.")


def strip_module(state: Mapping[str, torch.Tensor]) -> Iterator[tuple[str, torch.Tensor]]:
    """Strip the prefix that parallel training adds to names."""
    return ((name.removeprefix("module."), tensor) for name, tensor in state.items())


def convert_hypercorrelation(
    state: Mapping[str, torch.Tensor], head: str, network: str, expected: str
) -> dict[str, torch.Tensor]:
    """Rename the state dict of HSNet or a descendant; the tensors are not copied.

    Args:
        state: published state dict, with or without the prefix ``module.``.
        head: pattern of the prefix of the decoder's parts.
        network: name in the error.
        expected: the published names, for the error.

    Raises:
        WeightsError: a name is not in any published checkpoint of this network.
    """
    pattern = re.compile(head + r"\.(\w+)\.(\d+)\.(.+)")
    converted = {}
    unknown = []
    for name, tensor in strip_module(state):
        if name.startswith(UNUSED):
            continue
        if name.startswith("backbone."):
            converted[name] = tensor
        elif (match := pattern.fullmatch(name)) and match[1] in TRUNK_PARTS:
            side, _, leaf = match[3].rpartition(".")
            own = f"{SIDES[side]}.{leaf}" if side in SIDES else leaf
            converted[f"decoder.{TRUNK_PARTS[match[1]]}.{match[2]}.{own}"] = tensor
        else:
            unknown.append(name)
    refuse_unknown(unknown, network, expected)
    return converted


def refuse_unknown(names: list[str], network: str, expected: str) -> None:
    """Raise ``WeightsError`` if there are names that a published checkpoint does not have."""
    if names:
        raise WeightsError(
            f"{len(names)} names are not those of a published {network} checkpoint: "
            + ", ".join(names[:5]),
            f"expected {expected}",
            "load a model folder of fewscape with --model FOLDER instead",
        )
