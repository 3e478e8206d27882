"""Where and in which precision the model of a request runs."""

from __future__ import annotations

from fewscape.core import Policy
from fewscape.request.map_request import MapRequest
from fewscape.zoo import ModelFacts


def choose_policy(request: MapRequest, facts: ModelFacts) -> Policy:
    """Device and precision that are asked for, or that suit the model.

    Models that learn from every drawn pixel get float32: features in bfloat16 are coarser than what
    tells similar grounds apart. Networks for pairs run in float32 only.
    """
    if facts.kind in ("pixel", "pair") and request.precision == "auto":
        return Policy.choose(request.device, "float32")
    return Policy.choose(request.device, request.precision)
