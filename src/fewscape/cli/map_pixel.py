"""From the options of ``fewscape map`` to a model that learnt from every drawn pixel."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fewscape.cli import values
from fewscape.cli.map_accuracy import encode_accuracy, note_accuracy, tell_accuracy
from fewscape.cli.map_examples import read_examples
from fewscape.cli.map_inputs import open_scene

if TYPE_CHECKING:
    from fewscape.core import Policy
    from fewscape.mapping import PixelSegmenter, SceneCells, Segmenter
    from fewscape.models import PixelModel
    from fewscape.raster import SceneReader, Source

WINDOW = 512
"""Side of the windows, less where the scene of the examples is smaller."""

LEAST_WINDOW = 128
"""Of the tiniest scenes: a network needs surroundings, if only the scene in the mirror."""

NETWORK_OPTIONS = {"max_shots": None}
"""What only networks take that learn from crops."""


def learn_pixels(
    arguments: argparse.Namespace, sources: Sequence[Source]
) -> tuple[PixelSegmenter, SceneCells, SceneReader, Policy]:
    """The model with what it learnt, what taught it, and the scene of the examples.

    What the examples tell of the map's accuracy is printed, and left for the preview in
    ``arguments.notes`` and for the tags in ``arguments.own_tags``.

    Raises:
        ConfigError: options that the model does not take.
        ExamplesError: examples that cannot teach.
    """
    from fewscape.mapping import PixelSegmenter, choose_classes, read_drawn_cells
    from fewscape.raster import choose_colours, to_source
    from fewscape.zoo import load_pixel_model

    why = "it learns from every drawn pixel"
    values.refuse(arguments, NETWORK_OPTIONS, f"was given to the model '{arguments.model}'", why)
    policy = choose_policy(arguments)
    model = load_pixel_model(arguments.model, arguments.backbone, arguments.weights)
    model.to(policy)
    named = arguments.example_scene
    source = sources[0] if named is None else to_source(named)
    with open_scene(arguments, source, arguments.example_bands or arguments.bands) as scene:
        annotations = read_examples(arguments, scene)
        names = choose_classes(annotations, arguments.classes)
        learnt = read_drawn_cells(annotations, names, scene, model)
        if arguments.window is None:
            arguments.window = _fit_window(scene, model.window_multiple)
        temperature = _estimate(arguments, model, learnt, names, scene.path.name)
        segmenter = PixelSegmenter(
            model,
            names,
            learnt,
            arguments.window,
            arguments.threshold,
            temperature,
            choose_colours(names, annotations.colours),
        )
    return segmenter, learnt, scene, policy


def choose_policy(arguments: argparse.Namespace) -> Policy:
    """Device and precision that the options ask for, or that suit the model.

    Models that learn from every drawn pixel get float32: features in bfloat16 are coarser than what
    tells similar grounds apart.
    """
    from fewscape.core import Policy
    from fewscape.zoo import is_pixel

    is_free = arguments.precision == "auto" and arguments.model is not None
    if is_free and is_pixel(arguments.model):
        return Policy.choose(arguments.device, "float32")
    return Policy.choose(arguments.device, arguments.precision)


def move_to(segmenter: Segmenter, scene: SceneReader, example: SceneReader | None) -> Segmenter:
    """The segmenter for a scene, which may be another one than that of the examples.

    Raises:
        ConfigError: the scene has another number of bands than that of the examples.
    """
    from fewscape.core import ConfigError
    from fewscape.mapping import PixelSegmenter

    if not isinstance(segmenter, PixelSegmenter) or example is None:
        return segmenter
    if example.source == scene.source and example.bands == scene.bands:
        return segmenter
    if len(example.bands) != len(scene.bands):
        raise ConfigError(
            f"the scene '{scene.path}' has {len(scene.bands)} bands, that of the examples "
            f"{len(example.bands)}",
            "both need the same",
            "choose the bands that they have in common with --bands and --example_bands",
        )
    return segmenter.move_to(scene)


def _estimate(
    arguments: argparse.Namespace,
    model: PixelModel[Any],
    learnt: SceneCells,
    names: Sequence[str],
    scene_name: str,
) -> float:
    """Tell how right the map will be; the temperature of its probabilities."""
    from fewscape.mapping.engine.own_accuracy import estimate_own_accuracy

    arguments.notes, arguments.own_tags = (), {}
    if arguments.no_estimate:
        return 1.0
    own = estimate_own_accuracy(model, learnt, names, arguments.threshold)
    tell_accuracy(own, scene_name)
    arguments.notes = note_accuracy(own, scene_name)
    arguments.own_tags = {"EXPECTED_IOU": encode_accuracy(own)}
    return own.temperature


def _fit_window(scene: SceneReader, multiple: int) -> int:
    longest = -(-max(scene.height, scene.width) // multiple) * multiple
    return min(WINDOW // multiple * multiple, max(LEAST_WINDOW, longest))
