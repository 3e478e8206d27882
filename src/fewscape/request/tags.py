"""The tags that record how a map was made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fewscape.core import Policy, hash_file
from fewscape.mapping import Examples, PixelExamples, SceneCells
from fewscape.raster import SceneReader
from fewscape.raster.opening.identity import fingerprint_scene
from fewscape.request.map_request import MapRequest
from fewscape.zoo import ModelFacts

OUTPUTS = ("min_area", "simplify", "cog", "vectors")
"""Parameters of the output."""

OF_SCENES = ("bands", "scale", "nodata", "resolution", "window", "overlap", "batch_size", *OUTPUTS)
"""Parameters of every map of scenes."""

OF_LEARNERS = (
    *("class_field", "layer", "label_zero", "examples_are", "buffer", "classes", "max_shots"),
    *("example_bands", "backbone", "threshold"),
)
"""Parameters of models that learn from examples."""

OF_PIXEL_MODELS = ("no_estimate",)
OF_PIXEL_PAIRS = ("ms_bands",)
OF_SUPERVISED = ("flips", "scales", "heatmaps")

OF_PAIR_NETWORKS = (
    *("ms_bands", "nodata", "classes", "class_field", "layer", "label_zero", "buffer"),
    *("max_shots", "grid", *OUTPUTS, "tile"),
)
"""Parameters of networks for pairs."""

PARAMETERS = {
    *OF_SCENES,
    *OF_LEARNERS,
    *OF_PIXEL_MODELS,
    *OF_PIXEL_PAIRS,
    *OF_SUPERVISED,
    *OF_PAIR_NETWORKS,
    "precision",
}
"""Fields of a request that are tags, besides the files and the device."""


def tag_model(facts: ModelFacts) -> dict[str, str]:
    """Tags of the model: its name without folders, and the hash of its weights."""
    tags = {"MODEL": facts.title}
    return tags if facts.sha256 is None else tags | {"MODEL_SHA256": facts.sha256}


def tag_supervised(request: MapRequest, facts: ModelFacts, policy: Policy) -> dict[str, str]:
    """Tags of a map by a supervised network."""
    names = (*OF_SUPERVISED, *OF_SCENES)
    return tag_model(facts) | {"PARAMETERS": json.dumps(_tag_parameters(request, names, policy))}


def tag_learnt(
    request: MapRequest,
    facts: ModelFacts,
    examples: Examples | SceneCells,
    scene: SceneReader,
    policy: Policy,
) -> dict[str, str]:
    """Tags of a map from examples: model, examples, their scene, parameters.

    Args:
        request: the request, with the chosen window, shots and threshold.
        facts: facts of the model.
        examples: the examples.
        scene: scene of the examples.
        policy: the chosen device and precision.
    """
    own = OF_PIXEL_MODELS + OF_PIXEL_PAIRS * request.is_of_pair
    names = (*OF_LEARNERS, *(own if facts.kind == "pixel" else ()), *OF_SCENES)
    parameters = _tag_parameters(request, names, policy)
    tags = {
        "MODEL": facts.title,
        "EXAMPLES": examples.source,
        "EXAMPLES_SHA256": examples.sha256,
        "EXAMPLE_SCENE": scene.source.name,
        "EXAMPLE_SCENE_FINGERPRINT": fingerprint_scene(scene.source, scene.retry),
    } | tag_model(facts)
    if request.weights:
        weights = Path(request.weights)
        parameters["weights"] = weights.name
        if weights.is_file():
            tags["WEIGHTS_SHA256"] = hash_file(weights)
    return tags | {"PARAMETERS": json.dumps(parameters)}


def tag_pair(
    request: MapRequest, facts: ModelFacts, examples: PixelExamples, policy: Policy
) -> dict[str, str]:
    """Tags of the map of a pair by a network for pairs.

    Args:
        request: the request, with the chosen tile.
        facts: facts of the model.
        examples: the examples.
        policy: the chosen device.
    """
    parameters = {name: getattr(request, name) for name in OF_PAIR_NETWORKS}
    return tag_model(facts) | {
        "EXAMPLES": examples.source,
        "EXAMPLES_SHA256": examples.sha256,
        "PARAMETERS": json.dumps(parameters | {"device": policy.device.type}),
    }


def _tag_parameters(request: MapRequest, names: tuple[str, ...], policy: Policy) -> dict[str, Any]:
    """Tags of the parameters, with the chosen precision and kind of device."""
    chosen = {name: getattr(request, name) for name in names}
    precision = str(policy.dtype).removeprefix("torch.")
    return chosen | {"precision": precision, "device": policy.device.type}
