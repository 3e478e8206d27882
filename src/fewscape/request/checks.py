"""Validation of a request against its model and scenes.

Options that would be silently ignored are refused.
"""

from __future__ import annotations

from collections.abc import Iterable

from fewscape.core import ConfigError, ExamplesError
from fewscape.request.map_request import MapRequest
from fewscape.zoo import EMBEDDED, ModelFacts

OF_CLUSTERS = ("workers", "ray_address")
"""Only for ``engine="ray"``."""

OF_CHECKS = ("check_layer",)
"""What only ``check`` takes."""

OF_PAIR_NETWORKS = ("grid", "tile")
"""Only for networks for pairs."""

OF_PAIRS = ("ms_bands", *OF_PAIR_NETWORKS)
"""Only for pairs."""

OF_LEARNERS = (
    *("examples", "example_scene", "example_bands", "class_field", "layer", "label_zero"),
    *("examples_are", "buffer", "classes", "backbone", "weights", "threshold"),
)
"""Only for models that learn from examples."""

OF_SUPERVISED = ("heatmaps", "flips", "scales")
"""Only for supervised networks."""

OF_PIXEL_MODELS = ("no_estimate",)
"""Only for pixel models."""

OF_CROPS = ("max_shots",)
"""Only for few-shot networks and networks for pairs."""

NOT_OF_PAIRS = ("example_scene", "example_bands", "scale", "resolution", "asset")
"""Not for pairs."""

NOT_OF_PAIR_NETWORKS = (
    *("examples_are", "backbone", "weights", "example_scene", "example_bands", "window"),
    *("overlap", "batch_size", "threshold", "no_estimate", "precision", "heatmaps", "flips"),
    *("scales", "scale", "resolution", "asset"),
)
"""Not for networks for pairs."""

NEEDED_OF_PAIRS = {
    "pan": "the panchromatic raster is",
    "ms": "the multispectral raster is",
    "examples": "the examples are",
}


def check_request(request: MapRequest, facts: ModelFacts) -> None:
    """Check that the model gets everything it needs and nothing it would ignore.

    Raises:
        ConfigError: something is missing, or would be ignored.
        ExamplesError: the polygons to check the map with are missing.
    """
    if request.engine == "here":
        what, why = "was given without --engine ray", "it applies only to a cluster"
        refuse(request, OF_CLUSTERS, what, why)
    if request.check is None:
        refuse(request, OF_CHECKS, "was given without --check", "only its polygons have it")
    _check_plan(request)
    if request.is_of_pair:
        _check_pair(request, facts)
        if facts.kind != "pixel":
            return
    else:
        what, why = "was given without --pan and --ms", "it applies only to a pair"
        refuse(request, OF_PAIRS, what, why)
        if not request.scenes:
            raise ConfigError(
                "no scene was given",
                "expected at least one raster, or a pair with --pan FILE and --ms FILE",
                "see: fewscape map --help",
            )
    if facts.kind == "semantic":
        _check_supervised(request)
    else:
        _check_learner(request, facts)


def refuse(request: MapRequest, names: Iterable[str], what: str, why: str) -> None:
    """Refuse fields that would be silently ignored.

    Args:
        request: the request.
        names: fields that do not apply.
        what: what is wrong with a given field, for the message.
        why: what is expected instead.

    Raises:
        ConfigError: one of them was given.
    """
    for name in names:
        if request.is_given(name):
            raise ConfigError(f"--{name} {what}", why, f"leave out --{name}")


def refuse_random_weights(request: MapRequest, facts: ModelFacts) -> None:
    """Refuse networks that would map at random.

    Raises:
        ConfigError: a part of the network has random weights.
    """
    if facts.folder is not None:
        return
    name = facts.name
    if facts.is_random:
        raise ConfigError(
            f"the head of the model '{name}' has random weights: a name alone means an "
            "untrained network",
            "mapping needs a trained head",
            "give a trained model with --model FOLDER (see 'fewscape fit'), or use --model "
            f"{EMBEDDED}",
        )
    if request.weights is None:
        raise ConfigError(
            f"the backbone of the model '{name}' has random weights",
            "mapping needs trained weights",
            f"give --weights FILE, or use --model {EMBEDDED}",
        )


def _check_plan(request: MapRequest) -> None:
    """Check that options of the run fit together."""
    is_partial = request.shard is not None or request.dry_run
    if request.check is not None and is_partial:
        other = "--dry_run" if request.dry_run else "--shard"
        raise ConfigError(
            f"--check was given with {other}",
            "only a finished map can be checked",
            f"leave out --check or {other}",
        )
    if request.check is not None and not request.check.exists():
        raise ExamplesError(
            f"the check polygons '{request.check}' do not exist", "", "check the path"
        )
    if request.engine == "ray" and is_partial:
        raise ConfigError(
            "--engine ray was given with --shard or --dry_run",
            "a cluster distributes the work itself",
            "leave out --engine to make a shard or to report the cost",
        )


def _check_pair(request: MapRequest, facts: ModelFacts) -> None:
    if request.scenes:
        raise ConfigError(
            f"the scene '{request.scenes[0]}' was given beside --pan and --ms",
            "a pair is mapped in its own run",
            "leave out the scene, or map it in another run",
        )
    for name, what in NEEDED_OF_PAIRS.items():
        if getattr(request, name) is None:
            raise ConfigError(
                f"{what} missing",
                "a pair is mapped with --pan FILE --ms FILE --examples FILE",
                f"add --{name} FILE",
            )
    what = "was given beside --pan and --ms"
    refuse(request, ("bands",), what, "the bands of a pair are set with --ms_bands")
    if facts.kind != "pixel":
        refuse(request, NOT_OF_PAIR_NETWORKS, what, "it does not apply to a network for pairs")
        facts.require("pair")
        return
    refuse(request, NOT_OF_PAIRS, what, "it does not apply to a pair")
    what = f"was given to the model '{facts.name}'"
    why = "it applies only to networks for pairs, such as --model embedded_pair4"
    refuse(request, OF_PAIR_NETWORKS, what, why)


def _check_supervised(request: MapRequest) -> None:
    what = f"was given to the model '{request.model}'"
    why = "a supervised model already has its classes, backbone and weights"
    refuse(request, OF_LEARNERS, what, why)
    _refuse_estimates(request)


def _check_learner(request: MapRequest, facts: ModelFacts) -> None:
    if request.examples is None:
        raise ConfigError(
            f"the model '{facts.name}' learns from examples, but none were given",
            "",
            "give --examples FILE, or a supervised model with --model FOLDER",
        )
    if any(map(request.is_given, OF_SUPERVISED)):
        raise ConfigError(
            f"the model '{facts.name}' takes no --heatmaps, --flips or --scales",
            "they apply only to supervised models",
            "leave them out",
        )
    if facts.kind == "pixel":
        what = f"was given to the model '{facts.name}'"
        refuse(request, OF_CROPS, what, "it does not apply to a pixel model")
        return
    _refuse_estimates(request)
    facts.require("few_shot")
    refuse_random_weights(request, facts)


def _refuse_estimates(request: MapRequest) -> None:
    why = "only pixel models estimate their accuracy"
    refuse(request, OF_PIXEL_MODELS, "was given", why)
