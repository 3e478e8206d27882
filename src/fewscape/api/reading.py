"""Scenes and examples by themselves, for programs that look at them before they map."""

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
    """A scene as models see it: windows of its bands, scaled to [0, 1], and which pixels are valid.

    Args:
        scene: path or address of a raster.
        bands: by number from 1 or by name; all if not given.
        scale: see ``MapRequest``.
        nodata: value without data, if the file has none.
        resolution: metres on the ground to which it is resampled.

    Raises:
        SceneError: the file is missing, no raster, or lacks a band.

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
    """What was drawn on a scene, as polygons in its columns and rows.

    Args:
        examples: see ``map_scene``.
        scene: on which they were drawn.
        class_field: attribute of the class.
        label_zero: what 0 in a label raster means.
        examples_are: pieces of ground, or whole objects with background around them.
        buffer: how far points and lines reach.
        layer: of a vector file with several.

    Raises:
        ExamplesError: they cannot be read, or none lies in the scene.
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
