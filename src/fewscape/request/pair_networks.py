"""Mapping a pair with a network for pairs."""

from __future__ import annotations

from dataclasses import replace

from fewscape import zoo
from fewscape.core import ConfigError
from fewscape.mapping import (
    PairMapper,
    PairMemory,
    PairScene,
    PairSegmenter,
    read_pixel_examples,
)
from fewscape.raster import PanMsReader, Retry
from fewscape.request.map_options import make_map_options
from fewscape.request.map_request import PAIR_SHOTS, MapRequest
from fewscape.request.policy import choose_policy
from fewscape.request.reporter import Reporter
from fewscape.request.tags import tag_pair
from fewscape.zoo import ModelFacts


def make_pair_mapper(request: MapRequest, facts: ModelFacts, reporter: Reporter) -> PairMapper:
    """Make the mapper of a pair; its network has learned from the labelled pixels.

    Args:
        request: a checked request.
        facts: facts of its model, a network for pairs.
        reporter: receives the number of pixels per class.

    Raises:
        ConfigError: the network was built for other pairs, or the memory limit is too low.
        ExamplesError: the examples are unusable.
        SceneError: a raster cannot be read, or the two rasters do not match.
    """
    if request.pan is None or request.ms is None or request.examples is None:
        raise ConfigError("a pair needs --pan, --ms and --examples")
    retry = Retry(request.tries, request.retry_delay)
    files = request.pan, request.ms
    with PanMsReader(*files, request.ms_bands, nodata=request.nodata, retry=retry) as reader:
        model = zoo.load(facts).pair
        examples = read_pixel_examples(
            request.examples,
            reader,
            request.class_field,
            request.label_zero,
            request.classes,
            request.max_shots or PAIR_SHOTS,
            request.buffer,
            request.layer,
        )
        for number, name in enumerate(examples.class_names):
            count = (examples.owners == number).sum()
            reporter.info(f"{name}: {count} pixels from {request.examples}")
        has_patches = request.vectors or request.min_area > 0
        memory = PairMemory.make(
            reader, model.config.width, request.max_memory, has_patches, request.tile
        )
        policy = choose_policy(request, facts)
        scene = PairScene(reader, model, policy, memory.tile)
        segmenter = PairSegmenter(scene, examples)
    tags = tag_pair(replace(request, tile=memory.tile), facts, examples, policy)
    options = make_map_options(request, tags)
    return PairMapper(reader, scene, segmenter, options, request.grid)
