"""What a request says of how its maps are made and written."""

from __future__ import annotations

from collections.abc import Mapping

from fewscape.mapping import MapOptions, OutputOptions
from fewscape.mapping.examples.outlines import Drawings
from fewscape.request.map_request import MapRequest


def make_map_options(
    request: MapRequest,
    tags: Mapping[str, str],
    drawings: Drawings | None = None,
    notes: tuple[str, ...] = (),
) -> MapOptions:
    """Options of the mapping; what is finished is kept if the run is killed.

    Args:
        request: the request.
        tags: of every file.
        drawings: what was drawn, for the preview.
        notes: lines of text for the preview.
    """
    outputs = OutputOptions(
        request.min_area, request.simplify, request.cog, request.styles, request.stac
    )
    return MapOptions(
        request.overlap,
        request.batch_size,
        request.vectors,
        request.preview,
        tags,
        resume=True,
        max_memory=request.max_memory,
        outputs=outputs,
        drawings=drawings,
        notes=notes,
    )
