"""The worst maps of the main job: the scene with what was drawn, the truth, the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import binary_erosion

from fewscape.benchmark.main_job.drawings import draw_scene
from fewscape.benchmark.main_job.scenes import JobScene
from fewscape.raster.writing.palette import BARE_GROUND, choose_colours

Picture = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

SIDE = 320
"""Of a panel, pixels."""

CAPTION = 18
"""Height of the words above it."""

GAP = 6

OUTLINE = 3
"""Width of outlines, pixels of the scene."""


@dataclass(frozen=True, slots=True)
class Worst:
    """A scene and its map."""

    scene: JobScene
    found: npt.NDArray[np.uint8]
    """(H, W) class ids, 255 for nothing."""
    title: str


def draw_worst(cases: Sequence[Worst], polygons: int, seed: int, path: Path) -> None:
    """A row of three panels for each case, as a JPEG.

    Args:
        cases: what to show, from the top.
        polygons: drawings a class.
        seed: of the drawings.
        path: file to write.
    """
    rows = [_draw_row(case, polygons, seed) for case in cases]
    sheet = Image.new("RGB", (rows[0].width, sum(row.height + GAP for row in rows)), "white")
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height + GAP
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, format="JPEG", quality=82)


def _draw_row(case: Worst, polygons: int, seed: int) -> Image.Image:
    scene = case.scene
    ids = list(scene.class_names)
    colours = dict(zip(ids, choose_colours(list(scene.class_names.values())), strict=True))
    wanted = {number: scene.class_names[number] for number in scene.wanted}
    drawings = draw_scene(scene, wanted, polygons, "areas", seed)
    image = np.ascontiguousarray(scene.pixels[:3].transpose(1, 2, 0))
    for drawing in drawings:
        _outline(image, drawing.pixels, colours[drawing.class_id])
    panels = [
        (f"{case.title}, drawn", image),
        (
            "truth: " + ", ".join(wanted.values()),
            _paint(scene.labels, colours),
        ),
        ("map", _paint(case.found, colours)),
    ]
    height = max(1, round(SIDE * image.shape[0] / image.shape[1]))
    row = Image.new("RGB", (3 * SIDE + 2 * GAP, height + CAPTION), "white")
    pen, font = ImageDraw.Draw(row), ImageFont.load_default(11)
    for number, (words, picture) in enumerate(panels):
        left = number * (SIDE + GAP)
        pen.text((left, 2), words, fill="black", font=font)
        row.paste(Image.fromarray(picture).resize((SIDE, height)), (left, CAPTION))
    return row


def _outline(image: Picture, mask: Mask, colour: tuple[int, int, int]) -> None:
    edge = mask & ~binary_erosion(mask, iterations=OUTLINE)
    image[edge] = colour


def _paint(labels: npt.NDArray[np.uint8], colours: Mapping[int, tuple[int, int, int]]) -> Picture:
    table = np.full((256, 3), BARE_GROUND, np.uint8)
    for number, colour in colours.items():
        table[number] = colour
    painted: Picture = table[labels]
    return painted
