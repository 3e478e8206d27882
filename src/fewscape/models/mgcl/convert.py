"""From the published checkpoints' names to ours."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch

from fewscape.core import WeightsError

BLOCKS = {
    "encoder_layer4": "squeeze32",
    "encoder_layer3": "squeeze16",
    "encoder_layer2": "squeeze8",
    "encoder_layer4to3": "mix16",
    "encoder_layer3to2": "mix8",
    "decoder1": "decode8",
    "decoder2": "decode4",
}
"""Published names of the decoder's parts; ``mgcl.md`` section 6.2."""

SIDES = {"conv1": "query", "conv2": "support"}
HEAD = re.compile(r"segmentation_head\.(?:mgcd|hpn_learner)\.(\w+)\.(\d+)\.(.+)")
UNUSED = ("backbone.fc.", "backbone.classifier.")


def from_official(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The published state dict under our names, ready for ``fit_state``.

    A ``module.`` prefix, the older decoder name ``hpn_learner`` and the classifier weights of the
    backbone are understood. The tensors are not copied.

    Raises:
        WeightsError: a name that no published checkpoint has.
    """
    converted = {}
    unknown = []
    for full, tensor in state.items():
        name = full.removeprefix("module.")
        if name.startswith(UNUSED):
            continue
        if name.startswith("backbone."):
            converted[name] = tensor
        elif (match := HEAD.fullmatch(name)) and match[1] in BLOCKS:
            part, _, leaf = match[3].rpartition(".")
            own = f"{SIDES[part]}.{leaf}" if part in SIDES else leaf
            converted[f"decoder.{BLOCKS[match[1]]}.{match[2]}.{own}"] = tensor
        else:
            unknown.append(full)
    if unknown:
        raise WeightsError(
            f"{len(unknown)} names are not those of a published MGCL checkpoint: "
            + ", ".join(unknown[:5]),
            "expected backbone.* and segmentation_head.mgcd.*",
            "load a model folder of fewscape with --model FOLDER instead",
        )
    return converted
