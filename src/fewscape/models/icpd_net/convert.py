"""From the released checkpoints' names to ours."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from fewscape.models.official import convert_hypercorrelation, strip_module

PREFIXES = {
    "priorlearner.upsample.": "ipdm.learner.enlarge.",
    "priorlearner.downsample.": "ipdm.learner.reduce.",
    "cross_modal_visual_backbone.": "ipdm.clip.visual.",
}


def from_official(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename a released state dict; the tensors are not copied.

    A released checkpoint lacks the class names' vectors and may lack CLIP: take the entries
    ``ipdm.texts.`` and ``ipdm.clip.`` from the network's own state.

    Raises:
        WeightsError: a name is not in any released checkpoint.
    """
    converted, rest = {}, {}
    for name, tensor in strip_module(state):
        prefix = next((known for known in PREFIXES if name.startswith(known)), None)
        if prefix is None:
            rest[name] = tensor
        else:
            converted[PREFIXES[prefix] + name.removeprefix(prefix)] = tensor
    expected = "backbone.*, priorlearner.*, hpn_learner.* and cross_modal_visual_backbone.*"
    return converted | convert_hypercorrelation(rest, "hpn_learner", "ICPD-Net", expected)
