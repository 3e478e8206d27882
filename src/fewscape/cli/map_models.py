"""From the options of ``fewscape map`` to a segmenter."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewscape.cli import values
from fewscape.cli.map_examples import read_examples
from fewscape.cli.map_inputs import open_scene
from fewscape.cli.map_pixel import learn_pixels
from fewscape.cli.output_options import OUTPUT_PARAMETERS

if TYPE_CHECKING:
    from fewscape.core import Policy
    from fewscape.mapping import (
        Examples,
        FewShotSegmenter,
        SceneCells,
        Segmenter,
        SemanticSegmenter,
    )
    from fewscape.raster import SceneReader, Source

SHOTS = 5
"""Crops that teach a network a class, at most."""

THRESHOLD = 0.5
"""Probability from which a network's class is mapped."""

UNTRAINED_WINDOW = 256
"""Window side for networks that were not trained on one."""

PARAMETERS = (
    *("bands", "scale", "nodata", "resolution", "window", "overlap", "batch_size"),
    *OUTPUT_PARAMETERS,
)
"""What decides every map besides model, examples and scene."""

FEW_SHOT_PARAMETERS = (
    *("class_field", "label_zero", "examples_are", "buffer", "classes", "max_shots"),
    *("example_bands", "backbone", "threshold"),
)
PIXEL_PARAMETERS = ("no_estimate",)
PAIR_PARAMETERS = ("ms_bands",)
SEMANTIC_PARAMETERS = ("flips", "scales", "heatmaps")

FEW_SHOT_OPTIONS = {
    "examples": None,
    "example_scene": None,
    "example_bands": None,
    "class_field": "class",
    "label_zero": "auto",
    "examples_are": "areas",
    "buffer": "1.5",
    "classes": None,
    "backbone": None,
    "weights": None,
    "threshold": None,
}
"""What only networks take that learn from examples, with the defaults."""

ONLY_PIXELS = (
    {"no_estimate": False},
    "was given",
    "only models that learn from every drawn pixel estimate how right their maps are",
)
"""What only they take, and why others do not."""


def make_segmenter(
    arguments: argparse.Namespace, sources: Sequence[Source]
) -> tuple[Segmenter, dict[str, str], SceneReader | None]:
    """The network that the options name, ready to map, and where the map comes from.

    Args:
        arguments: of the command.
        sources: the scenes to map; the first is that of the examples if no other is named.

    Returns:
        The network, tags of the files, and the scene of the examples if there are any.

    Raises:
        ConfigError: options that the network does not take, or examples are missing.
    """
    from fewscape.core import ConfigError
    from fewscape.zoo import is_pixel, is_semantic

    if is_semantic(arguments.model):
        return *_load(arguments), None
    if arguments.examples is None:
        raise ConfigError(
            f"the model '{arguments.model}' learns from examples, but none were given",
            "",
            "draw some and give --examples FILE, or name a supervised model with --model FOLDER",
        )
    if arguments.heatmaps or arguments.flips != "none" or arguments.scales != (1.0,):
        raise ConfigError(
            f"the model '{arguments.model}' takes no --heatmaps, --flips or --scales",
            "only supervised models do",
            "leave them out",
        )
    if is_pixel(arguments.model):
        pixels, learnt, scene, policy = learn_pixels(arguments, sources)
        parameters = PIXEL_PARAMETERS + PAIR_PARAMETERS * (arguments.pan is not None)
        tags = _tell_origin(arguments, learnt, scene, policy, parameters)
        return pixels, tags | arguments.own_tags, scene
    values.refuse(arguments, *ONLY_PIXELS)
    return _learn(arguments, sources)


def _load(arguments: argparse.Namespace) -> tuple[SemanticSegmenter, dict[str, str]]:
    """A supervised network."""
    from fewscape.core import Policy
    from fewscape.mapping import SemanticSegmenter, Views
    from fewscape.zoo import load_semantic

    what = f"was given to the model '{arguments.model}'"
    why = "it is supervised and knows its classes, backbone and weights"
    values.refuse(arguments, FEW_SHOT_OPTIONS, what, why)
    values.refuse(arguments, *ONLY_PIXELS)
    model, folder = load_semantic(arguments.model)
    arguments.window = arguments.window or folder.window
    policy = Policy.choose(arguments.device, arguments.precision)
    views = Views(arguments.flips, arguments.scales)
    segmenter = SemanticSegmenter(
        model,
        folder.class_names,
        policy,
        arguments.window,
        views,
        arguments.heatmaps,
        folder.colours,
    )
    parameters = _tell_parameters(arguments, SEMANTIC_PARAMETERS, policy)
    tags = {
        "MODEL": folder.path.name,
        "MODEL_SHA256": str(folder.config["sha256"]),
        "PARAMETERS": json.dumps(parameters),
    }
    return segmenter, tags


def _learn(
    arguments: argparse.Namespace, sources: Sequence[Source]
) -> tuple[FewShotSegmenter, dict[str, str], SceneReader]:
    """The network with its supports, where they came from, and their scene."""
    from fewscape.core import Policy
    from fewscape.mapping import FewShotSegmenter, cut_examples, support_folder
    from fewscape.raster import to_source
    from fewscape.zoo import load_model

    refuse_random_weights(arguments.model, arguments.weights)
    arguments.window = arguments.window or _trained_window(arguments.model)
    arguments.max_shots = arguments.max_shots or SHOTS
    if arguments.threshold is None:
        arguments.threshold = THRESHOLD
    policy = Policy.choose(arguments.device, arguments.precision)
    named = arguments.example_scene
    source = sources[0] if named is None else to_source(named)
    bands = arguments.example_bands or arguments.bands
    with open_scene(arguments, source, bands) as scene:
        annotations = read_examples(arguments, scene)
        model = load_model(arguments.model, arguments.backbone, arguments.weights)
        examples = cut_examples(
            annotations,
            scene,
            arguments.window,
            arguments.max_shots,
            cell=model.backbone.strides[0],
            classes=arguments.classes,
        )
    store = support_folder()
    segmenter = FewShotSegmenter(model, examples, policy, arguments.threshold, store)
    for name, shots in zip(examples.class_names, examples.shots, strict=True):
        crops = "1 crop" if len(shots) == 1 else f"{len(shots)} crops"
        print(f"{name}: {crops} of {arguments.window} pixels from {arguments.examples}")
    return segmenter, _tell_origin(arguments, examples, scene, policy), scene


def refuse_random_weights(model: str, weights: str | None) -> None:
    """A map by chance is no map.

    Args:
        model: name or folder.
        weights: of the backbone, of a network given by name.

    Raises:
        ConfigError: some part of the network would have random weights.
    """
    from fewscape.core import ConfigError
    from fewscape.zoo import EMBEDDED, MODELS, TRAINING_FREE

    if model not in MODELS:
        return
    if model not in TRAINING_FREE:
        raise ConfigError(
            f"the head of the model '{model}' has random weights: a name alone stands for an "
            "untrained network",
            "a map needs a trained one",
            "give the folder of one with --model FOLDER ('fewscape fit' writes such folders), or "
            f"map with --model {EMBEDDED}",
        )
    if weights is None:
        raise ConfigError(
            f"the backbone of the model '{model}' has random weights",
            "a map needs trained ones",
            f"give --weights FILE, or map with --model {EMBEDDED}",
        )


def _tell_origin(
    arguments: argparse.Namespace,
    examples: Examples | SceneCells,
    scene: SceneReader,
    policy: Policy,
    more_parameters: tuple[str, ...] = (),
) -> dict[str, str]:
    """Tags of every file: model, examples, their scene, parameters; names without folders."""
    from fewscape.core import hash_file
    from fewscape.raster.opening.identity import fingerprint_scene
    from fewscape.zoo import EMBEDDED_NAMES, MODELS, PIXEL_MODELS, open_folder

    names = (*FEW_SHOT_PARAMETERS, *more_parameters)
    parameters = _tell_parameters(arguments, names, policy)
    tags = {
        "MODEL": arguments.model,
        "EXAMPLES": examples.source,
        "EXAMPLES_SHA256": examples.sha256,
        "EXAMPLE_SCENE": scene.source.name,
        "EXAMPLE_SCENE_FINGERPRINT": fingerprint_scene(scene.source, scene.retry),
    }
    if arguments.model in EMBEDDED_NAMES or arguments.model not in (*MODELS, *PIXEL_MODELS):
        folder = open_folder(arguments.model)
        tags["MODEL"] = folder.path.name
        tags["MODEL_SHA256"] = str(folder.config["sha256"])
    if arguments.weights:
        weights = Path(arguments.weights)
        parameters["weights"] = weights.name
        if weights.is_file():
            tags["WEIGHTS_SHA256"] = hash_file(weights)
    return tags | {"PARAMETERS": json.dumps(parameters)}


def _trained_window(model: str) -> int:
    """Side of the windows that a model folder was trained on."""
    from fewscape.zoo import MODELS, open_folder

    return UNTRAINED_WINDOW if model in MODELS else open_folder(model).window


def _tell_parameters(
    arguments: argparse.Namespace, names: tuple[str, ...], policy: Policy
) -> dict[str, Any]:
    """What decides the map; precision and kind of device as they were chosen."""
    chosen = {name: getattr(arguments, name) for name in (*names, *PARAMETERS)}
    precision = str(policy.dtype).removeprefix("torch.")
    return chosen | {"precision": precision, "device": policy.device.type}
