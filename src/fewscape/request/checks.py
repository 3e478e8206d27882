"""What a request must have, and what its model or its scenes do not take.

An option that would be ignored without a word is refused instead.
"""

from __future__ import annotations

from collections.abc import Iterable

from fewscape.core import ConfigError, ExamplesError
from fewscape.request.map_request import MapRequest
from fewscape.zoo import EMBEDDED, ModelFacts

OF_CLUSTERS = ("workers", "ray_address")
"""What only ``engine="ray"`` takes."""

OF_CHECKS = ("check_layer",)
"""What only ``check`` takes."""

OF_PAIR_NETWORKS = ("grid", "tile")
"""What only networks for pairs take."""

OF_PAIRS = ("ms_bands", *OF_PAIR_NETWORKS)
"""What only a pair takes."""

OF_LEARNERS = (
    *("examples", "example_scene", "example_bands", "class_field", "layer", "label_zero"),
    *("examples_are", "buffer", "classes", "backbone", "weights", "threshold"),
)
"""What only models take that learn from examples."""

OF_SUPERVISED = ("heatmaps", "flips", "scales")
"""What only supervised networks take."""

OF_PIXEL_MODELS = ("no_estimate",)
"""What only models take that learn from every drawn pixel."""

OF_CROPS = ("max_shots",)
"""What only networks take that learn from crops, or from single pixels of a pair."""

NOT_OF_PAIRS = ("example_scene", "example_bands", "scale", "resolution", "asset")
"""What no pair takes."""

NOT_OF_PAIR_NETWORKS = (
    *("examples_are", "backbone", "weights", "example_scene", "example_bands", "window"),
    *("overlap", "batch_size", "threshold", "no_estimate", "precision", "heatmaps", "flips"),
    *("scales", "scale", "resolution", "asset"),
)
"""What networks for pairs do not take."""

NEEDED_OF_PAIRS = {
    "pan": "the panchromatic raster is",
    "ms": "the multispectral raster is",
    "examples": "the examples are",
}


def check_request(request: MapRequest, facts: ModelFacts) -> None:
    """See that everything was given that the model needs, and nothing that it does not take.

    Raises:
        ConfigError: something is missing, or would be ignored.
        ExamplesError: the polygons to check the map with are missing.
    """
    if request.engine == "here":
        what, why = "was given without --engine ray", "only a cluster has it"
        refuse(request, OF_CLUSTERS, what, why)
    if request.check is None:
        refuse(request, OF_CHECKS, "was given without --check", "only its polygons have it")
    _check_plan(request)
    if request.is_of_pair:
        _check_pair(request, facts)
        if facts.kind != "pixel":
            return
    else:
        what, why = "was given without --pan and --ms", "only a pair takes it"
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
    """Refuse fields that would be ignored without a word.

    Args:
        request: the request.
        names: the fields that do not belong here.
        what: what is wrong with one that was given, for the message.
        why: what was expected.

    Raises:
        ConfigError: one of them was given.
    """
    for name in names:
        if request.is_given(name):
            raise ConfigError(f"--{name} {what}", why, f"leave out --{name}")


def refuse_random_weights(request: MapRequest, facts: ModelFacts) -> None:
    """A map by chance is no map.

    Raises:
        ConfigError: some part of the network would have random weights.
    """
    if facts.folder is not None:
        return
    name = facts.name
    if facts.is_random:
        raise ConfigError(
            f"the head of the model '{name}' has random weights: a name alone stands for an "
            "untrained network",
            "a map needs a trained one",
            "give the folder of one with --model FOLDER ('fewscape fit' writes such folders), or "
            f"map with --model {EMBEDDED}",
        )
    if request.weights is None:
        raise ConfigError(
            f"the backbone of the model '{name}' has random weights",
            "a map needs trained ones",
            f"give --weights FILE, or map with --model {EMBEDDED}",
        )


def _check_plan(request: MapRequest) -> None:
    """That a check has a map, and a cluster all the work."""
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
            "a cluster shares the work out itself",
            "leave --engine out to make a share or to tell the cost",
        )


def _check_pair(request: MapRequest, facts: ModelFacts) -> None:
    if request.scenes:
        raise ConfigError(
            f"the scene '{request.scenes[0]}' was given beside --pan and --ms",
            "a pair is mapped by itself",
            "leave it out, or map it in a run of its own",
        )
    for name, what in NEEDED_OF_PAIRS.items():
        if getattr(request, name) is None:
            raise ConfigError(
                f"{what} missing",
                "a pair is mapped with --pan FILE --ms FILE --examples FILE",
                f"add --{name} FILE",
            )
    what = "was given beside --pan and --ms"
    refuse(request, ("bands",), what, "a pair's bands are those of --ms_bands")
    if facts.kind != "pixel":
        refuse(request, NOT_OF_PAIR_NETWORKS, what, "a network for pairs does not take it")
        facts.require("pair")
        return
    refuse(request, NOT_OF_PAIRS, what, "a pair does not take it")
    what = f"was given to the model '{facts.name}'"
    why = "only the networks for pairs take it, such as --model embedded_pair4"
    refuse(request, OF_PAIR_NETWORKS, what, why)


def _check_supervised(request: MapRequest) -> None:
    what = f"was given to the model '{request.model}'"
    why = "it is supervised and knows its classes, backbone and weights"
    refuse(request, OF_LEARNERS, what, why)
    _refuse_estimates(request)


def _check_learner(request: MapRequest, facts: ModelFacts) -> None:
    if request.examples is None:
        raise ConfigError(
            f"the model '{facts.name}' learns from examples, but none were given",
            "",
            "draw some and give --examples FILE, or name a supervised model with --model FOLDER",
        )
    if any(map(request.is_given, OF_SUPERVISED)):
        raise ConfigError(
            f"the model '{facts.name}' takes no --heatmaps, --flips or --scales",
            "only supervised models do",
            "leave them out",
        )
    if facts.kind == "pixel":
        what = f"was given to the model '{facts.name}'"
        refuse(request, OF_CROPS, what, "it learns from every drawn pixel")
        return
    _refuse_estimates(request)
    facts.require("few_shot")
    refuse_random_weights(request, facts)


def _refuse_estimates(request: MapRequest) -> None:
    why = "only models that learn from every drawn pixel estimate how right their maps are"
    refuse(request, OF_PIXEL_MODELS, "was given", why)
