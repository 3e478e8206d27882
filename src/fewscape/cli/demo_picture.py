"""The demo at a glance: what was shown on the left, what came out on the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageEnhance, ImageFont

from fewscape.core import Window
from fewscape.raster.staging import report_write_errors

Colour = tuple[int, int, int]
Geometries = npt.NDArray[np.object_]

FINE = 2
"""Everything is drawn so many times larger and reduced at the end, for smooth edges."""

PANEL, GAP, HEAD, FOOT = 900 * FINE, 28 * FINE, 78 * FINE, 48 * FINE
PAPER, INK, PALE = (252, 252, 250), (32, 34, 38), (112, 116, 124)
WHITE = (255, 255, 255)
VEIL = 0.72


@dataclass(frozen=True, slots=True)
class Shown:
    """A class in the picture."""

    name: str
    colour: Colour
    examples: Geometries
    """Polygons in columns and rows."""
    windows: Sequence[Window]
    """Crops from which the network learnt, in columns and rows."""
    iou: float


def draw_demo(
    path: Path,
    image: npt.NDArray[np.uint8],
    classes: npt.NDArray[np.uint8],
    shown: Sequence[Shown],
    facts: str,
) -> None:
    """Write the picture as PNG.

    Args:
        path: file to write.
        image: (3, H, W) the scene; H = W.
        classes: (H, W) the map, 0 background.
        shown: the K classes in the order of their ids.
        facts: small print under the panels.

    Raises:
        OutputError: the file cannot be written.
    """
    scene = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))
    panel = scene.resize((PANEL, PANEL), Image.Resampling.LANCZOS)
    strip = _draw_closeups(scene, shown)
    height = HEAD + PANEL + GAP + strip.height + FOOT
    sheet = Image.new("RGB", (2 * PANEL + 3 * GAP, height), PAPER)
    left, right, under = GAP, PANEL + 2 * GAP, HEAD + PANEL + GAP
    sheet.paste(_draw_examples(panel, shown, scene.width), (left, HEAD))
    sheet.paste(_draw_map(panel, classes, shown), (right, HEAD))
    sheet.paste(strip, (left, under))
    pen = ImageDraw.Draw(sheet)
    count = len(shown[0].examples)
    _write(pen, (left, HEAD / 2), f"{count} examples each ...", 34)
    _write(pen, (right, HEAD / 2), "... and the whole scene is mapped", 34)
    _draw_legend(pen, (right, under), strip.height, shown)
    _write(pen, (left, height - FOOT / 2), facts, 17, PALE)
    with report_write_errors(path):
        sheet.reduce(FINE).save(path, optimize=True)


def _draw_examples(panel: Image.Image, shown: Sequence[Shown], width: int) -> Image.Image:
    """The scene with the crops and the outlines of the examples in them."""
    drawn = panel.copy()
    pen = ImageDraw.Draw(drawn)
    scale = PANEL / width
    for entry in shown:
        for window in entry.windows:
            _frame(pen, _scale(window, scale), entry.colour)
        for polygon in entry.examples:
            _outline(pen, polygon, (0, 0), scale, entry.colour, 3 * FINE)
    for entry in shown:
        for window in entry.windows:
            _tag(pen, _scale(window, scale), entry)
    return drawn


def _draw_map(
    panel: Image.Image, classes: npt.NDArray[np.uint8], shown: Sequence[Shown]
) -> Image.Image:
    """The scene, faded, under the classes in their colours."""
    ground = Image.blend(
        ImageEnhance.Color(panel).enhance(0.3), Image.new("RGB", panel.size, WHITE), 0.35
    )
    for number, entry in enumerate(shown, start=1):
        mask = Image.fromarray(np.where(classes == number, 255, 0).astype(np.uint8))
        veil = mask.resize(panel.size, Image.Resampling.BILINEAR).point(_soften)
        ground.paste(entry.colour, mask=veil)
    return ground


def _soften(value: float) -> float:
    return value * VEIL


def _draw_closeups(scene: Image.Image, shown: Sequence[Shown]) -> Image.Image:
    """The examples enlarged, in one row as wide as a panel."""
    pairs = [(entry, polygon) for entry in shown for polygon in entry.examples]
    gap = 10 * FINE
    side = (PANEL - gap * (len(pairs) - 1)) // len(pairs)
    strip = Image.new("RGB", (PANEL, side), PAPER)
    for index, (entry, polygon) in enumerate(pairs):
        strip.paste(_draw_closeup(scene, entry, polygon, side), (index * (side + gap), 0))
    return strip


def _draw_closeup(scene: Image.Image, entry: Shown, polygon: object, side: int) -> Image.Image:
    left, top, right, bottom = polygon.bounds  # type: ignore[attr-defined]
    extent = min(1.35 * max(right - left, bottom - top) + 16, *scene.size)
    col = min(max((left + right - extent) / 2, 0), scene.width - extent)
    row = min(max((top + bottom - extent) / 2, 0), scene.height - extent)
    box = (col, row, col + extent, row + extent)
    view = scene.resize((side, side), Image.Resampling.BICUBIC, box)
    _outline(ImageDraw.Draw(view), polygon, (col, row), side / extent, entry.colour, 3 * FINE)
    return view


def _draw_legend(
    pen: ImageDraw.ImageDraw, corner: tuple[float, float], height: int, shown: Sequence[Shown]
) -> None:
    """Colour, name and IoU of each class in large type, side by side."""
    x, y = corner
    mark = 44 * FINE
    for entry in shown:
        middle = y + height / 2
        box = (x, middle - mark / 2, x + mark, middle + mark / 2)
        pen.rounded_rectangle(box, mark / 5, entry.colour)
        _write(pen, (x + 1.4 * mark, middle - 17 * FINE), entry.name, 34)
        score = f"IoU {100 * entry.iou:.1f} %"
        _write(pen, (x + 1.4 * mark, middle + 21 * FINE), score, 27, PALE)
        x += PANEL / len(shown)


def _frame(
    pen: ImageDraw.ImageDraw, box: tuple[float, float, float, float], colour: Colour
) -> None:
    pen.rectangle(_grow(box, 2 * FINE), outline=WHITE, width=6 * FINE)
    pen.rectangle(box, outline=colour, width=2 * FINE)


def _tag(pen: ImageDraw.ImageDraw, box: tuple[float, float, float, float], entry: Shown) -> None:
    """The class on a coloured label above a crop, or below it at the upper edge."""
    size, pad = 19 * FINE, 6 * FINE
    font = _font(size)
    wide = font.getlength(entry.name) + 2 * pad
    high = size + 1.4 * pad
    x = min(box[0] - 2 * FINE, PANEL - wide)
    y = box[1] - high - 2 * FINE if box[1] > high + 2 * FINE else box[3] + 2 * FINE
    pen.rectangle((x, y, x + wide, y + high), fill=entry.colour)
    pen.text((x + pad, y + high / 2), entry.name, WHITE, font, anchor="lm")


def _outline(
    pen: ImageDraw.ImageDraw,
    polygon: object,
    origin: tuple[float, float],
    scale: float,
    colour: Colour,
    width: int,
) -> None:
    """A polygon's outer ring on a white one, so that it shows on any ground."""
    ring = np.asarray(polygon.exterior.coords)  # type: ignore[attr-defined]
    points = [tuple(point) for point in ((ring - origin) * scale).tolist()]
    pen.line(points, WHITE, 2 * width, "curve")
    pen.line(points, colour, width, "curve")


def _scale(window: Window, scale: float) -> tuple[float, float, float, float]:
    row, col, height, width = (scale * value for value in window)
    return col, row, col + width, row + height


def _grow(box: tuple[float, float, float, float], by: float) -> tuple[float, float, float, float]:
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def _write(
    pen: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    size: int,
    colour: Colour = INK,
) -> None:
    """Text whose left end and middle line are given."""
    pen.text(place, text, colour, _font(size * FINE), anchor="lm")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
