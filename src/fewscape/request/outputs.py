"""The output files of a request: all differ, and none is an input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from fewscape.mapping import Mapper
from fewscape.mapping.examples.example_files import list_example_files
from fewscape.mapping.output.collisions import check_outputs
from fewscape.models.folder import CONFIG, PREPROCESS, WEIGHTS
from fewscape.raster import Source, to_source
from fewscape.raster.opening.source_files import list_files
from fewscape.request.map_request import MapRequest
from fewscape.zoo import ModelFacts


def check_files(
    request: MapRequest,
    facts: ModelFacts,
    sources: Sequence[Source],
    mappers: Mapping[str, Mapper],
) -> None:
    """Check before mapping that no output file replaces another or an input.

    Args:
        request: the request.
        facts: facts of its model, whose files are inputs too.
        sources: the scenes.
        mappers: mappers by map name.

    Raises:
        ConfigError: see ``check_outputs``; or a file name is invalid.
    """
    plans = {}
    for name, mapper in mappers.items():
        with closing(mapper):
            plans[name] = mapper.plan
    inputs = [*list_inputs(request, sources), *_list_model(request, facts)]
    check_outputs(plans, request.output, inputs)


def list_inputs(request: MapRequest, sources: Iterable[Source]) -> list[Path]:
    """The local input files of a request, with their sidecars."""
    others = (request.example_scene, request.pan, request.ms)
    rasters = [*sources, *(to_source(name) for name in others if name is not None)]
    drawings = [path for path in (request.examples, request.check) if path is not None]
    return [
        *(path for source in rasters for path in list_files(source)),
        *(path for drawing in drawings for path in list_example_files(drawing)),
    ]


def _list_model(request: MapRequest, facts: ModelFacts) -> list[Path]:
    weights = [] if request.weights is None else [Path(request.weights)]
    if facts.folder is None:
        return weights
    return [*weights, *(facts.folder.path / name for name in (WEIGHTS, CONFIG, PREPROCESS))]
