"""Reading the examples of a request, and telling what of them is of no use."""

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
    """What was drawn, on the pixels of the file, and brought to those that are read.

    Args:
        request: the request.
        scene: of the examples.
        reporter: is told what was left out and how much was drawn as two classes.

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
        reporter.tell(f"note: {note}")
    if scene.is_resampled:
        annotations = annotations.move_to(scene.grid)
    return annotations, Drawings(scene.path, scene.grid, trace_outlines(annotations))


def list_notes(annotations: Annotations) -> list[str]:
    """Sentences on examples that teach nothing; none if all is well."""
    notes = list(annotations.notes)
    if annotations.left_out:
        counts = ", ".join(f"{count:,} {what}" for what, count in annotations.left_out.items())
        notes.append(f"of the examples '{annotations.path.name}', left out were: {counts}")
    contested = annotations.count_overlaps()
    if contested:
        notes.append(
            f"{contested:,} pixels of '{annotations.path.name}' were drawn as two classes; they "
            "teach nothing"
        )
    return notes
