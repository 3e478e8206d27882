"""Find, open and check the scenes of a request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from fewscape.core import ConfigError
from fewscape.raster import (
    PanMsScene,
    Retry,
    Scale,
    SceneReader,
    Source,
    ValueRanges,
    find_drift,
    find_faults,
    find_sources,
    to_source,
)
from fewscape.request.map_request import Bands, MapRequest
from fewscape.request.reporter import Reporter
from fewscape.zoo import ModelFacts

PAIR_LAYERS = ("confidence", "margin")
"""Layers of a pair's map besides the classes."""

COLOUR_BANDS = (1, 2, 3)
"""Default bands of a network: red, green and blue."""

RESAMPLING = 1.5
"""Ratio of pixel sizes from which a warning is given."""


def list_sources(request: MapRequest) -> list[Source]:
    """List the scenes; for a pair, the raster that the map is named after.

    Raises:
        SceneError: see ``find_sources``.
        ConfigError: two maps would have the same name.
    """
    if request.is_of_pair:
        sources = [to_source(str(request.ms))]
    else:
        retry = Retry(request.tries, request.retry_delay)
        sources = find_sources(request.scenes, request.asset, retry)
        _check_names(sources)
    return sources


def resolve_sources(sources: Sequence[Source]) -> dict[str, Source]:
    """Resolve the scenes by map name, for processes in other folders."""
    return {
        source.stem: source
        if source.file is None
        else replace(source, address=str(source.file.resolve()))
        for source in sources
    }


def choose_example_source(request: MapRequest, sources: Sequence[Source]) -> Source:
    """The scene of the examples: the given one, otherwise the first mapped scene."""
    return sources[0] if request.example_scene is None else to_source(request.example_scene)


def open_scene(
    request: MapRequest,
    facts: ModelFacts,
    source: Source | str,
    bands: Bands | None,
    reporter: Reporter,
) -> SceneReader:
    """Open a scene with its bands, scaling and resolution; a pair opens as one scene.

    Args:
        request: the request.
        facts: of its model.
        source: the scene.
        bands: bands to use.
        reporter: receives a warning if the scene cannot be resampled to the model's resolution.

    Raises:
        ConfigError: a network did not get three bands.
        SceneError: the file is missing, unreachable, not a raster, or lacks a band.
    """
    retry, scale = Retry(request.tries, request.retry_delay), Scale(request.scale)
    if request.pan is not None:
        files = request.pan, str(request.ms)
        return PanMsScene(*files, request.ms_bands, request.nodata, retry)
    if facts.kind == "pixel":
        return SceneReader(source, bands, scale, request.nodata, request.resolution, retry)
    bands = bands or COLOUR_BANDS
    if len(bands) != 3:
        raise ConfigError(
            f"{len(bands)} bands were chosen",
            "networks take three",
            "use for example --bands 1,2,3, or 1,1,1 for a single band",
        )
    reader = SceneReader(source, bands, scale, request.nodata, request.resolution, retry)
    trained = None if request.resolution else facts.ground_resolution
    if trained is None:
        return reader
    if reader.ground_resolution is None:
        reporter.warn(
            f"'{reader.path.name}' has no known pixel size; it is mapped without resampling"
        )
        return reader
    reader.close()
    return SceneReader(source, bands, reader.scale, request.nodata, trained, retry)


def open_scenes(
    request: MapRequest,
    facts: ModelFacts,
    sources: Sequence[Source],
    example: SceneReader | None,
    reporter: Reporter,
) -> list[SceneReader]:
    """Open and report all scenes, with warnings about what may spoil a map.

    Readers keep the measured statistics; files are closed until the scene is mapped.

    Args:
        request: the request.
        facts: of its model.
        sources: the scenes.
        example: the scene of the examples, if there is one.
        reporter: receives a line per scene, and warnings.
    """
    scenes = []
    for source in sources:
        is_example = example is not None and example.source == source
        if example is not None and is_example and request.example_bands is None:
            scene = example
        else:
            scene = open_scene(request, facts, source, request.bands, reporter)
        reporter.info(describe_scene(scene))
        sentences = _find_odd_bands(scene, "--ms_bands" if request.is_of_pair else "--bands")
        if example is None or is_example:
            sentences += _compare_with_training(scene, facts.value_ranges)
        if example is not None and not is_example:
            sentences += _compare_with_example(scene, example)
        for sentence in sentences:
            reporter.warn(sentence)
        scene.close()
        scenes.append(scene)
    return scenes


def describe_scene(scene: SceneReader) -> str:
    """Describe size, pixel size, and the values of each band that are scaled to 0 and 1."""
    pixel = scene.ground_resolution
    size = f"{scene.width} x {scene.height} pixels" + (f" of {pixel:.3g} m" if pixel else "")
    if scene.is_resampled:
        size += f" (resampled from {scene.own_grid.width} x {scene.own_grid.height})"
    limits = zip(scene.band_names, *scene.limits, strict=True)
    bands = ", ".join(f"{name} {low:.5g} to {high:.5g}" for name, low, high in limits)
    return f"{scene.path.name}: {size}, {scene.dtype}; {bands}"


def _check_names(sources: Sequence[Source]) -> None:
    """Refuse scenes with the same name, whose maps would overwrite each other."""
    name, count = Counter(source.stem for source in sources).most_common(1)[0]
    if count > 1:
        same = [str(source) for source in sources if source.stem == name]
        raise ConfigError(
            f"{count} scenes are named '{name}', such as '{same[0]}' and '{same[1]}'",
            "their maps would overwrite each other",
            "map them in several runs with different --output",
        )


def _find_odd_bands(scene: SceneReader, option: str) -> list[str]:
    return [
        f"'{scene.path.name}': {fault}; choose other bands with {option} if this is wrong"
        for fault in find_faults(scene.band_names, scene.statistics)
    ]


def _compare_with_training(
    scene: SceneReader, told: Mapping[str, Sequence[float]] | None
) -> list[str]:
    """Warn about values unlike those in training; both are on the scale from 0 to 1."""
    if told is None:
        return []
    ours = scene.statistics.ranges.rescale(*scene.limits)
    whose = "the images that the network was trained on"
    return [
        f"'{scene.path.name}': scaled to 0 to 1, {drift}; check the map, or train on such scenes"
        for drift in find_drift(scene.band_names, ours, ValueRanges.decode(told), whose)
    ]


def _compare_with_example(scene: SceneReader, example: SceneReader) -> list[str]:
    """Warn about values or pixel sizes unlike those of the scene of the examples."""
    ranges = scene.statistics.ranges, example.statistics.ranges
    sentences = [
        f"'{scene.path.name}': {drift}; the examples may not apply here, so check the map, or "
        "draw examples in this scene"
        for drift in find_drift(scene.band_names, *ranges, "the scene of the examples")
    ]
    here, there = scene.ground_resolution, example.ground_resolution
    if here and there and max(here, there) > RESAMPLING * min(here, there):
        sentences.append(
            f"'{scene.path.name}' has pixels of {here:.3g} m, the scene of the examples of "
            f"{there:.3g} m; --resolution {max(here, there):.3g} resamples both to one size"
        )
    return sentences
