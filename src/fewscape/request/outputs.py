"""The files of a request's maps: each has its own name, and none is what a map is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from fewscape.mapping import Mapper
from fewscape.mapping.examples.example_files import list_example_files
from fewscape.mapping.output.collisions import check_outputs
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
    """See before anything is mapped that no file of a map replaces another or an input.

    Args:
        request: the request.
        facts: of its model, whose files are inputs, too.
        sources: the scenes.
        mappers: of all maps, by name.

    Raises:
        ConfigError: see ``check_outputs``; or a name that no file can have.
    """
    plans = {}
    for name, mapper in mappers.items():
        with closing(mapper):
            plans[name] = mapper.plan
    inputs = [*list_inputs(request, sources), *_list_model(request, facts)]
    check_outputs(plans, request.output, inputs)


def list_inputs(request: MapRequest, sources: Iterable[Source]) -> list[Path]:
    """The rasters and drawings of a request on this machine, with what belongs to them."""
    others = (request.example_scene, request.pan, request.ms)
    rasters = [*sources, *(to_source(name) for name in others if name is not None)]
    drawings = [path for path in (request.examples, request.check) if path is not None]
    return [
        *(path for source in rasters for path in list_files(source)),
        *(path for drawing in drawings for path in list_example_files(drawing)),
    ]


def _list_model(request: MapRequest, facts: ModelFacts) -> list[Path]:
    weights = [] if request.weights is None else [Path(request.weights)]
    return weights if facts.folder is None else [*weights, *facts.folder.path.iterdir()]
