"""The mapping options of a request."""

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
    """Make the mapping options; killed runs can resume.

    Args:
        request: the request.
        tags: tags of every output file.
        drawings: the examples, for the preview.
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
