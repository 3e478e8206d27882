"""Draw rows of panels, each with a heading above and a line below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageEnhance, ImageFont

from fewscape.raster.writing.staging import report_write_errors

Colour = tuple[int, int, int]
Geometries = npt.NDArray[np.object_]
Pixels = npt.NDArray[np.uint8]

FINE = 2
"""Supersampling factor for smooth edges."""

PANEL, GAP, MARGIN = 480 * FINE, 16 * FINE, 28 * FINE
TITLE, LINE = 62 * FINE, 34 * FINE
PAPER, INK, PALE, WHITE = (252, 252, 250), (32, 34, 38), (112, 116, 124), (255, 255, 255)
GROUND = (70, 74, 82)
"""Colour of background polygons."""
VEIL = 0.78
QUALITY = 86


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture with its texts."""

    heading: str
    picture: Image.Image
    """``PANEL`` wide."""
    below: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels side by side under a title."""

    title: str
    panels: Sequence[Panel]
    legend: Mapping[str, Colour]
    notes: Sequence[str] = ()
    """Small print."""


def draw_sheet(path: Path, rows: Sequence[Row]) -> None:
    """Write rows of panels, as JPEG or PNG by the suffix.

    Args:
        path: file to write.
        rows: rows from the top, with equal numbers of panels.

    Raises:
        OutputError: the file cannot be written.
    """
    count = max(len(row.panels) for row in rows)
    width = count * PANEL + (count - 1) * GAP + 2 * MARGIN
    height = sum(_measure(row) for row in rows) + MARGIN
    sheet = Image.new("RGB", (width, height), PAPER)
    top = 0
    for row in rows:
        _draw_row(sheet, row, top)
        top += _measure(row)
    options: dict[str, Any] = {"optimize": True}
    if path.suffix != ".png":
        options["quality"] = QUALITY
    with report_write_errors(path):
        sheet.reduce(FINE).save(path, **options)


def show(pixels: Pixels, outlines: Mapping[Colour, Geometries] | None = None) -> Image.Image:
    """Draw polygons on the scene.

    Args:
        pixels: (3, H, W).
        outlines: polygons in columns and rows by colour.
    """
    picture = _enlarge(pixels)
    pen = ImageDraw.Draw(picture)
    scale = PANEL / pixels.shape[2]
    for colour, polygons in (outlines or {}).items():
        for polygon in polygons:
            points = [tuple(point) for point in (scale * _ring(polygon)).tolist()]
            pen.line(points, WHITE, 6 * FINE, "curve")
            pen.line(points, colour, 3 * FINE, "curve")
    return picture


def paint(pixels: Pixels, classes: Pixels, colours: Mapping[int, Colour]) -> Image.Image:
    """Draw the classes in their colours over the faded scene.

    Args:
        pixels: (3, H, W).
        classes: (H, W) ids.
        colours: colours by id; other ids are not drawn.
    """
    picture = _enlarge(pixels)
    pale = Image.new("RGB", picture.size, WHITE)
    ground = Image.blend(ImageEnhance.Color(picture).enhance(0.3), pale, 0.35)
    for number, colour in colours.items():
        mask = Image.fromarray(np.where(classes == number, 255, 0).astype(np.uint8))
        veil = mask.resize(picture.size, Image.Resampling.BILINEAR).point(_soften)
        ground.paste(colour, mask=veil)
    return ground


def _ring(polygon: Any) -> npt.NDArray[np.float64]:  # noqa: ANN401 (shapely's)
    """Outer ring without pixel steps."""
    return np.asarray(polygon.simplify(1.0).exterior.coords)


def _enlarge(pixels: Pixels) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    size = PANEL, round(PANEL * image.height / image.width)
    return image.resize(size, Image.Resampling.LANCZOS)


def _soften(value: float) -> float:
    return value * VEIL


def _measure(row: Row) -> int:
    """Height of a row."""
    tallest = max(panel.picture.height for panel in row.panels)
    below = LINE if any(panel.below for panel in row.panels) else GAP // 2
    return TITLE + LINE + tallest + below + len(row.notes) * LINE * 3 // 4


def _draw_row(sheet: Image.Image, row: Row, top: int) -> None:
    pen = ImageDraw.Draw(sheet)
    _write(pen, (MARGIN, top + TITLE * 0.6), row.title, 25)
    _draw_legend(pen, (sheet.width - MARGIN, top + TITLE * 0.6), row.legend)
    head = top + TITLE + LINE
    for index, panel in enumerate(row.panels):
        left = MARGIN + index * (PANEL + GAP)
        _write(pen, (left, head - LINE / 2), panel.heading, 19)
        sheet.paste(panel.picture, (left, head))
        _write(pen, (left, head + panel.picture.height + LINE / 2), panel.below, 19)
    end = top + _measure(row)
    for index, note in enumerate(reversed(row.notes)):
        _write(pen, (MARGIN, end - (index + 0.4) * LINE * 0.75), note, 16, PALE)


def _draw_legend(
    pen: ImageDraw.ImageDraw, end: tuple[float, float], legend: Mapping[str, Colour]
) -> None:
    """Colours and names, from the right."""
    right, middle = end
    mark, font = 20 * FINE, _font(19 * FINE)
    for name, colour in reversed([*legend.items()]):
        left = right - font.getlength(name)
        pen.text((left, middle), name, INK, font, anchor="lm")
        box = (left - 1.4 * mark, middle - mark / 2, left - 0.4 * mark, middle + mark / 2)
        pen.rounded_rectangle(box, mark / 5, colour)
        right = left - 2.4 * mark


def _write(
    pen: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    size: int,
    colour: Colour = INK,
) -> None:
    """Write text at a left end and middle line."""
    pen.text(place, text, colour, _font(size * FINE), anchor="lm")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
