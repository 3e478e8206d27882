"""Read the examples of a request and report what is unusable."""

from __future__ import annotations

from fewscape.core import ConfigError
from fewscape.mapping import Annotations, DrawnOn, read_annotations
from fewscape.mapping.examples.outlines import Drawings, trace_outlines
from fewscape.raster import SceneReader
from fewscape.request.map_request import MapRequest
from fewscape.request.reporter import Reporter


def read_examples(
    request: MapRequest, scene: SceneReader, reporter: Reporter
) -> tuple[Annotations, Drawings]:
    """Read the examples on the file's grid, and resample them to the grid that is mapped.

    Args:
        request: the request.
        scene: scene of the examples.
        reporter: receives what was skipped and how many pixels were drawn as two classes.

    Returns:
        The examples, and their outlines for the preview.

    Raises:
        ExamplesError: see ``read_annotations``.
    """
    if request.examples is None:
        raise ConfigError("no examples were given", "", "give --examples FILE")
    annotations = read_annotations(
        request.examples,
        DrawnOn(scene.path, scene.own_grid),
        request.class_field,
        request.label_zero,
        request.examples_are,
        request.buffer,
        request.layer,
    )
    for note in list_notes(annotations):
        reporter.info(f"note: {note}")
    if scene.is_resampled:
        annotations = annotations.move_to(scene.grid)
    return annotations, Drawings(scene.path, scene.grid, trace_outlines(annotations))


def list_notes(annotations: Annotations) -> list[str]:
    """Messages about examples that are not learned from; empty if there are none."""
    notes = list(annotations.notes)
    if annotations.skipped:
        counts = ", ".join(f"{count:,} {what}" for what, count in annotations.skipped.items())
        notes.append(f"skipped in the examples '{annotations.path.name}': {counts}")
    contested = annotations.count_overlaps()
    if contested:
        notes.append(
            f"{contested:,} pixels of '{annotations.path.name}' are drawn as two classes and are "
            "not learned from"
        )
    return notes
