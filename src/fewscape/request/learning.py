"""From a request to a segmenter: the model after learning from the examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fewscape import zoo
from fewscape.mapping import (
    FewShotSegmenter,
    PixelSegmenter,
    Segmenter,
    SemanticSegmenter,
    Views,
    choose_classes,
    cut_examples,
    read_drawn_cells,
    support_folder,
)
from fewscape.mapping.engine.accuracy_notes import encode_accuracy, note_accuracy
from fewscape.mapping.engine.own_accuracy import OwnAccuracy, estimate_own_accuracy
from fewscape.mapping.examples.outlines import Drawings
from fewscape.raster import SceneReader, Source, choose_colours
from fewscape.request.examples import read_examples
from fewscape.request.map_request import (
    NETWORK_SHOTS,
    NETWORK_THRESHOLD,
    PIXEL_WINDOW,
    MapRequest,
)
from fewscape.request.policy import choose_policy
from fewscape.request.reporter import Reporter
from fewscape.request.scenes import choose_example_source, open_scene
from fewscape.request.tags import tag_learnt, tag_supervised
from fewscape.zoo import ModelFacts

LEAST_WINDOW = 128
"""Minimum window of tiny scenes; the scene is reflected to give the network some context."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """A model that is ready to map, with its tags and notes."""

    segmenter: Segmenter
    tags: Mapping[str, str]
    """Tags of every output file."""
    example: SceneReader | None = None
    """Scene of the examples, if there are any."""
    drawings: Drawings | None = None
    """The examples, for the preview."""
    notes: tuple[str, ...] = ()
    """Lines of text for the preview."""
    own: OwnAccuracy | None = None
    """The accuracy estimated from the examples."""


def learn(
    request: MapRequest, facts: ModelFacts, sources: Sequence[Source], reporter: Reporter
) -> Learnt:
    """The model of a request, ready to map.

    Args:
        request: a checked request.
        facts: facts of its model, which is not a network for pairs.
        sources: the scenes; the examples are on the first one unless the request names another.
        reporter: receives notes on the examples.

    Raises:
        ConfigError: the model cannot be built, or the window does not fit it.
        ExamplesError: the examples are unusable.
        SceneError: the scene of the examples cannot be read.
    """
    if facts.kind == "semantic":
        return _load_supervised(request, facts)
    source = choose_example_source(request, sources)
    bands = request.example_bands or request.bands
    make = _learn_pixels if facts.kind == "pixel" else _learn_crops
    with open_scene(request, facts, source, bands, reporter) as scene:
        return make(request, facts, scene, reporter)


def _load_supervised(request: MapRequest, facts: ModelFacts) -> Learnt:
    """Load a supervised network."""
    model = zoo.load(facts).semantic
    request = replace(request, window=request.window or facts.window)
    policy = choose_policy(request, facts)
    segmenter = SemanticSegmenter(
        model,
        facts.class_names,
        policy,
        request.window or facts.window,
        Views(request.flips, request.scales),
        request.heatmaps,
        facts.colours,
    )
    return Learnt(segmenter, tag_supervised(request, facts, policy))


def _learn_crops(
    request: MapRequest, facts: ModelFacts, scene: SceneReader, reporter: Reporter
) -> Learnt:
    """Load a few-shot network and learn its supports from crops."""
    window = request.window or facts.window
    shots = request.max_shots or NETWORK_SHOTS
    threshold = NETWORK_THRESHOLD if request.threshold is None else request.threshold
    request = replace(request, window=window, max_shots=shots, threshold=threshold)
    policy = choose_policy(request, facts)
    annotations, drawings = read_examples(request, scene, reporter)
    model = zoo.load(facts, request.backbone, request.weights).few_shot
    cell = model.backbone.strides[0]
    examples = cut_examples(annotations, scene, window, shots, cell, request.classes)
    segmenter = FewShotSegmenter(model, examples, policy, threshold, support_folder())
    for name, cut in zip(examples.class_names, examples.shots, strict=True):
        crops = "1 crop" if len(cut) == 1 else f"{len(cut)} crops"
        reporter.info(f"{name}: {crops} of {window} pixels from {request.examples}")
    return Learnt(segmenter, tag_learnt(request, facts, examples, scene, policy), scene, drawings)


def _learn_pixels(
    request: MapRequest, facts: ModelFacts, scene: SceneReader, reporter: Reporter
) -> Learnt:
    """Fit a pixel model to the drawn pixels, and estimate its accuracy."""
    policy = choose_policy(request, facts)
    model = zoo.load(facts, request.backbone, request.weights).pixel
    model.to(policy)
    annotations, drawings = read_examples(request, scene, reporter)
    names = choose_classes(annotations, request.classes)
    learnt = read_drawn_cells(annotations, names, scene, model)
    window = request.window or fit_window(scene, model.window_multiple)
    request = replace(request, window=window)
    own = None
    notes: tuple[str, ...] = ()
    if not request.no_estimate:
        own = estimate_own_accuracy(model, learnt, names, request.threshold)
        reporter.accuracy(own, scene.path.name)
        notes = note_accuracy(own, scene.path.name)
    segmenter = PixelSegmenter(
        model,
        names,
        learnt,
        window,
        request.threshold,
        1.0 if own is None else own.temperature,
        choose_colours(names, annotations.colours),
    )
    tags = tag_learnt(request, facts, learnt, scene, policy)
    if own is not None:
        tags["EXPECTED_IOU"] = encode_accuracy(own)
    return Learnt(segmenter, tags, scene, drawings, notes, own)


def fit_window(scene: SceneReader, multiple: int) -> int:
    """The window side for a scene, a multiple of the model's."""
    longest = -(-max(scene.height, scene.width) // multiple) * multiple
    return min(PIXEL_WINDOW // multiple * multiple, max(LEAST_WINDOW, longest))
