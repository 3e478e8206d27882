"""Lookahead for any optimiser (Zhang et al., NeurIPS 2019)."""

from __future__ import annotations

from typing import Any

import torch
from torch.optim import Optimizer

SLOW = "slow"
STEPS = "lookahead_steps"


def add_lookahead(optimizer: Optimizer, period: int = 5, share: float = 0.5) -> None:
    """Pull the weights back towards slow ones every ``period`` steps.

    The slow weights start as a copy of the weights after the first step. After the steps
    ``1 + period``, ``1 + 2 * period``, ... they move by ``share`` of the way to the fast weights,
    which continue from there. The moments of the optimiser are unchanged, as in BiCoR-Seg's
    training (catalyst 20.09).

    Slow weights and the count of steps are part of the optimiser's state, so that a resumed run
    continues with them.

    Args:
        optimizer: changed in place.
        period: steps between pulls.
        share: share of the way that the slow weights move.
    """
    for group in optimizer.param_groups:
        group.setdefault(STEPS, 0)

    def follow(optimizer: Optimizer, *arguments: Any) -> None:  # noqa: ANN401 (torch's hook)
        del arguments
        for group in optimizer.param_groups:
            group[STEPS] += 1
            if group[STEPS] % period == 1:
                _pull(optimizer, group["params"], share)

    optimizer.register_step_post_hook(follow)


@torch.no_grad()
def _pull(optimizer: Optimizer, parameters: list[torch.Tensor], share: float) -> None:
    for parameter in parameters:
        state = optimizer.state[parameter]
        if SLOW in state:
            state[SLOW].lerp_(parameter, share)
            parameter.copy_(state[SLOW])
        elif parameter.grad is not None:
            state[SLOW] = parameter.detach().clone()
