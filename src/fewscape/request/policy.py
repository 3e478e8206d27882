"""Device and precision of a request's model."""

from __future__ import annotations

from fewscape.core import Policy
from fewscape.request.map_request import MapRequest
from fewscape.zoo import ModelFacts


def choose_policy(request: MapRequest, facts: ModelFacts) -> Policy:
    """Choose the requested device and precision, or the model's best.

    Pixel models use float32: bfloat16 features are too coarse to tell similar ground apart.
    Networks for pairs run in float32 only.
    """
    if facts.kind in ("pixel", "pair") and request.precision == "auto":
        return Policy.choose(request.device, "float32")
    return Policy.choose(request.device, request.precision)
