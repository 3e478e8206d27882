"""The rows of the demo's picture for its two scenes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fewscape.demo.picture import GROUND, Panel, Row, paint, show
from fewscape.demo.score import read_classes
from fewscape.raster import choose_colours
from fewscape.raster.gdal import open_raster

if TYPE_CHECKING:
    from fewscape.demo.examples import DemoExamples
    from fewscape.demo.scene import DemoScene

DRAWN = "what was drawn"


def show_synthetic(
    scene: DemoScene,
    examples: DemoExamples,
    maps: Mapping[str, Path],
    scores: Mapping[str, Mapping[str, float]],
) -> Row:
    """Make the row of the synthetic scene: scene, maps and labels.

    Args:
        scene: the scene.
        examples: the examples on it.
        maps: class maps by model.
        scores: IoU by class, by model.
    """
    names = list(scene.classes)
    colours = choose_colours(names)
    by_id = dict(enumerate(colours, start=1))
    outlines = dict(zip([*colours, GROUND], examples.outlines.values(), strict=True))
    panels = [
        Panel(
            f"map by {_call(model)}",
            paint(scene.image, read_classes(path), by_id),
            "IoU: " + ", ".join(f"{name} {100 * iou:.1f} %" for name, iou in scores[model].items()),
        )
        for model, path in maps.items()
    ]
    return Row(
        "A synthetic scene",
        [
            Panel(DRAWN, show(scene.image, outlines)),
            *panels,
            Panel("truth", paint(scene.image, scene.truth, by_id)),
        ],
        {**dict(zip(names, colours, strict=True)), "background": GROUND},
        (f"{examples.told}; IoU outside the polygons",),
    )


def show_real(scene: Path, examples: Path, maps: Mapping[str, Path]) -> Row:
    """Make the row of the real scene, which has no labels: scene, maps and near infrared.

    Args:
        scene: red, green, blue and near infrared, uint8.
        examples: polygons.
        maps: class maps by model.
    """
    from fewscape.mapping import read_annotations
    from fewscape.raster import SceneReader

    with SceneReader(scene) as reader:
        drawn = read_annotations(examples, reader)
    with open_raster(scene) as dataset:
        pixels = np.asarray(dataset.read())
    names = list(drawn.class_names)
    colours = choose_colours(names, drawn.colours)
    by_id = dict(enumerate(colours, start=1))
    outlines = {colour: drawn.polygons[name] for name, colour in zip(names, colours, strict=True)}
    panels = [
        Panel(
            f"map by {_call(model)}",
            paint(pixels[:3], read_classes(path), by_id),
            _format_estimate(path),
        )
        for model, path in maps.items()
    ]
    return Row(
        "A real scene",
        [
            Panel(DRAWN, show(pixels[:3], outlines)),
            *panels,
            Panel("near infrared, red and green", show(pixels[[3, 0, 1]])),
        ],
        dict(zip(names, colours, strict=True)),
        (
            "NAIP, prairie in North Dakota, 5 m; there are no labels, so the IoU is estimated "
            "from the polygons alone",
        ),
    )


def _call(model: str) -> str:
    return model.replace("_", " ")


def _format_estimate(classes: Path) -> str:
    """Format the accuracy in the map's tag; empty without a tag."""
    with open_raster(classes) as dataset:
        tag = dataset.tags().get("EXPECTED_IOU")
    mean = json.loads(tag)["mean"] if tag else None
    if mean is None:
        return ""
    value, low, high = (round(100 * number) for number in mean)
    return f"expected IoU: {value} % ({low} to {high})"
