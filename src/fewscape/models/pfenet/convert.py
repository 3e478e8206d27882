"""From the published checkpoints' names to ours."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch

from fewscape.models.official import refuse_unknown, strip_module

RENAMED = (
    (r"layer0\.7\.(.+)", r"backbone.bn1.\1"),
    (r"layer0\.([0-6]\..+)", r"backbone.conv1.\1"),
    (r"(layer[1-4]\..+)", r"backbone.\1"),
    (r"init_merge\.(\d)\.0\.(.+)", r"enrichment.merge.\1.\2"),
    (r"alpha_conv\.(\d)\.0\.(.+)", r"enrichment.hand_on.\1.\2"),
    (r"beta_conv\.(.+)", r"enrichment.refine.\1"),
    (r"inner_cls\.(.+)", r"enrichment.heads.\1"),
    (r"res1\.0\.(.+)", r"join.\1"),
    (r"res2\.(.+)", r"refine.\1"),
    (r"cls\.(.+)", r"head.\1"),
)
"""Published names and ours, in the order of matching."""

REDUCTIONS = {"down_query.0.weight": "reduce_query", "down_supp.0.weight": "reduce_support"}
"""One weight over both levels, the coarser first; ours has one per level."""


def from_official(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename a published state dict for ``fit_state``.

    It fits the backbone ``resnet50_dilated`` (or 101). A ``module.`` prefix is handled. The tensors
    are not copied.

    Raises:
        WeightsError: a name is not in any published checkpoint.
    """
    converted = {}
    unknown = []
    for name, tensor in strip_module(state):
        if name in REDUCTIONS:
            coarse = tensor.shape[1] * 2 // 3  # a stage has twice the channels of the previous one
            converted[f"{REDUCTIONS[name]}.levels.0.weight"] = tensor[:, coarse:]
            converted[f"{REDUCTIONS[name]}.levels.1.weight"] = tensor[:, :coarse]
        elif own := _rename(name):
            converted[own] = tensor
        else:
            unknown.append(name)
    refuse_unknown(unknown, "PFENet", "layer0.* to layer4.*, down_query.0, init_merge.* and others")
    return converted


def _rename(name: str) -> str | None:
    for published, own in RENAMED:
        if match := re.fullmatch(published, name):
            return match.expand(own)
    return None
