"""From the published checkpoints' names to ours."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from fewscape.models.official import convert_hypercorrelation

HEAD = r"segmentation_head\.(?:mgcd|hpn_learner)"


def from_official(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The published state dict under our names, ready for ``fit_state``.

    A ``module.`` prefix, the older decoder name ``hpn_learner`` and the classifier weights of the
    backbone are understood. The tensors are not copied.

    Raises:
        WeightsError: a name that no published checkpoint has.
    """
    return convert_hypercorrelation(state, HEAD, "MGCL", "backbone.* and segmentation_head.mgcd.*")
