"""Reading the examples of ``fewscape map``, and telling what of them is of no use."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fewscape.mapping import Annotations
    from fewscape.raster import SceneReader


def read_examples(arguments: argparse.Namespace, scene: SceneReader) -> Annotations:
    """What was drawn, on the pixels of the file, and brought to those that are read.

    Prints what was left out and how much was drawn as two classes, and leaves the outlines for the
    preview in ``arguments.drawings``.

    Args:
        arguments: of the command.
        scene: of the examples.

    Raises:
        ExamplesError: see ``read_annotations``.
    """
    from fewscape.mapping import DrawnOn, read_annotations
    from fewscape.mapping.examples.outlines import Drawings, trace_outlines

    annotations = read_annotations(
        arguments.examples,
        DrawnOn(scene.path, scene.own_grid),
        arguments.class_field,
        arguments.label_zero,
        arguments.examples_are,
        arguments.buffer,
    )
    for note in list_notes(annotations):
        print(f"note: {note}")
    if scene.is_resampled:
        annotations = annotations.move_to(scene.grid)
    arguments.drawings = Drawings(scene.path, scene.grid, trace_outlines(annotations))
    return annotations


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
