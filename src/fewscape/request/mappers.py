"""The mappers of a request, in this process and in cluster workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fewscape import zoo
from fewscape.core import ConfigError
from fewscape.mapping import DrawnOn, Mapper, PixelSegmenter, SceneMapper, Segmenter
from fewscape.mapping.engine.own_accuracy import OwnAccuracy
from fewscape.mapping.ray_engine import OpenMapper
from fewscape.raster import SceneReader, Source
from fewscape.request.learning import Learnt, learn
from fewscape.request.map_options import make_map_options
from fewscape.request.map_request import MapRequest
from fewscape.request.pair_networks import make_pair_mapper
from fewscape.request.policy import choose_policy
from fewscape.request.reporter import Reporter
from fewscape.request.scenes import open_scene, open_scenes, resolve_sources
from fewscape.zoo import ModelFacts


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request after learning and before mapping."""

    mappers: Mapping[str, Mapper]
    """Mappers by map name."""
    drawn: Mapping[str, DrawnOn]
    """The drawn scenes by map name."""
    own: OwnAccuracy | None
    """The accuracy estimated from the examples; None if there is no estimate."""


def prepare(
    request: MapRequest, facts: ModelFacts, sources: Sequence[Source], reporter: Reporter
) -> Prepared:
    """Learn from the examples and open the scenes.

    Args:
        request: a checked request.
        facts: of its model.
        sources: its scenes.
        reporter: receives notes on examples and scenes.

    Raises:
        FewscapeError: examples, scenes and model do not fit together, or cannot be read.
    """
    if request.is_of_pair and facts.kind == "pair":
        mapper = make_pair_mapper(request, facts, reporter)
        name, drawn = mapper.reader.name, DrawnOn(mapper.reader.path, mapper.reader.grid)
        return Prepared({name: mapper}, {name: drawn}, None)
    learnt = learn(request, facts, sources, reporter)
    scenes = open_scenes(request, facts, sources, learnt.example, reporter)
    return Prepared(
        {scene.source.stem: _make_mapper(request, learnt, scene) for scene in scenes},
        {scene.source.stem: DrawnOn(scene.path, scene.own_grid) for scene in scenes},
        learnt.own,
    )


def make_opener(request: MapRequest, sources: Mapping[str, Source]) -> OpenMapper:
    """Make the function that opens a map's mapper by name in a cluster worker.

    Args:
        request: the request from ``prepare_for_cluster``.
        sources: the scenes by map name.
    """
    reporter = Reporter()
    facts = find_model(request)
    if request.is_of_pair and facts.kind == "pair":
        return lambda name: make_pair_mapper(request, facts, reporter)
    learnt = learn(request, facts, list(sources.values()), reporter)

    def open_mapper(name: str) -> SceneMapper:
        scene = open_scene(request, facts, sources[name], request.bands, reporter)
        return _make_mapper(request, learnt, scene)

    return open_mapper


def prepare_for_cluster(
    request: MapRequest, facts: ModelFacts, sources: Sequence[Source]
) -> tuple[MapRequest, dict[str, Source]]:
    """Resolve a request and its scenes for processes in other folders on similar machines.

    Device and precision are fixed to those of this machine, so that all workers agree.
    """
    policy = choose_policy(request, facts)
    chosen: Any = str(policy.dtype).removeprefix("torch.")
    told = replace(
        request.with_absolute_paths(),
        model=facts.address,
        device=policy.device.type,
        precision=chosen,
    )
    return told, resolve_sources(sources)


def find_model(request: MapRequest) -> ModelFacts:
    """The facts of the request's model, or of the default one.

    Raises:
        ConfigError: there is no such model.
        ModelFolderError: its folder is incomplete or was modified.
    """
    return zoo.find(request.model or zoo.DEFAULT)


def _make_mapper(request: MapRequest, learnt: Learnt, scene: SceneReader) -> SceneMapper:
    segmenter = move_to(learnt.segmenter, scene, learnt.example)
    options = make_map_options(request, learnt.tags, learnt.drawings, learnt.notes)
    return SceneMapper(scene, segmenter, options)


def move_to(segmenter: Segmenter, scene: SceneReader, example: SceneReader | None) -> Segmenter:
    """The segmenter for a scene that may differ from the scene of the examples.

    Raises:
        ConfigError: the scene and the scene of the examples differ in their number of bands.
    """
    if not isinstance(segmenter, PixelSegmenter) or example is None:
        return segmenter
    if example.source == scene.source and example.bands == scene.bands:
        return segmenter
    if len(example.bands) != len(scene.bands):
        raise ConfigError(
            f"the scene '{scene.path}' has {len(scene.bands)} bands, the scene of the examples "
            f"has {len(example.bands)}",
            "both need the same bands",
            "choose common bands with --bands and --example_bands",
        )
    return segmenter.move_to(scene)
