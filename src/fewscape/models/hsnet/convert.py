"""From the published checkpoints' names to ours."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from fewscape.models.official import convert_hypercorrelation


def from_official(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename a published state dict for ``fit_state``.

    A ``module.`` prefix and the classifier weights of the backbone are handled. The tensors are not
    copied.

    Raises:
        WeightsError: a name is not in any published checkpoint.
    """
    return convert_hypercorrelation(state, "hpn_learner", "HSNet", "backbone.* and hpn_learner.*")
