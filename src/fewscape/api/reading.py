"""``open_scene`` and ``read_examples``: look at the inputs before mapping."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from fewscape.api.staging import stage_examples
from fewscape.api.tables import ExamplesInput
from fewscape.mapping import Annotations, DrawnOn, read_annotations
from fewscape.raster import Scale, SceneReader
from fewscape.request.map_request import ExamplesAre, LabelZero, ScaleName, default_of


def open_scene(
    scene: Path | str,
    bands: Sequence[int | str] | None = None,
    *,
    scale: ScaleName = "auto",
    nodata: float | None = None,
    resolution: float | None = None,
) -> SceneReader:
    """Open a scene as models see it: windows of bands scaled to [0, 1], and their valid pixels.

    Args:
        scene: path or address of a raster.
        bands: bands by number from 1 or by name; all if not given.
        scale: see ``MapRequest``.
        nodata: nodata value, if the file does not set one.
        resolution: pixel size to resample to, metres.

    Raises:
        SceneError: the file is missing, is not a raster, or lacks a band.

    Examples:
        >>> with open_scene("scene.tif") as opened:  # doctest: +SKIP
        ...     image, valid = opened.read_overview(1000)
    """
    return SceneReader(scene, bands, Scale(scale), nodata, resolution)


def read_examples(
    examples: ExamplesInput,
    scene: SceneReader | Path | str,
    *,
    class_field: str = default_of("class_field"),
    label_zero: LabelZero = default_of("label_zero"),  # noqa: B008
    examples_are: ExamplesAre = default_of("examples_are"),  # noqa: B008
    buffer: float | str = default_of("buffer"),
    layer: str | None = None,
) -> Annotations:
    """Read examples as polygons in the columns and rows of their scene.

    Args:
        examples: see ``map_scene``.
        scene: the scene that they were drawn on.
        class_field: attribute that holds the class.
        label_zero: meaning of 0 in a label raster.
        examples_are: ``areas``, or ``objects`` with background around them.
        buffer: radius around points and lines.
        layer: layer of a vector file with several.

    Raises:
        ExamplesError: the examples cannot be read, or none is inside the scene.
        SceneError: the scene cannot be read.
    """
    if not isinstance(scene, SceneReader):
        with open_scene(scene) as opened:
            return read_examples(
                examples,
                opened,
                class_field=class_field,
                label_zero=label_zero,
                examples_are=examples_are,
                buffer=buffer,
                layer=layer,
            )
    with tempfile.TemporaryDirectory(prefix="fewscape-") as folder:
        path = stage_examples(examples, Path(folder), scene.path.stem, class_field)
        drawn = DrawnOn(scene.path, scene.own_grid)
        found = read_annotations(
            path, drawn, class_field, label_zero, examples_are, str(buffer), layer
        )
    return found.move_to(scene.grid) if scene.is_resampled else found
