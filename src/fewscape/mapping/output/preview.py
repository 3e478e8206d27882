"""The preview of a map: the scene beside the scene with its classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from fewscape.mapping.output.outline_drawing import DrawnOutline, draw_outlines
from fewscape.raster import NODATA

LONGEST = 1600
"""Longest side of a panel, pixels."""

OPACITY = 0.45
GAP = 16
PAPER = (250, 250, 248)
INK = (40, 40, 44)
VOID = (225, 225, 222)

SOFTWARE = "fewscape"
"""Software name in the PNG metadata."""

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A class in the legend."""

    name: str
    colour: Colour
    share: float
    """Share of the valid pixels."""


def draw_preview(
    path: Path,
    image: npt.NDArray[np.float32],
    classes: npt.NDArray[np.uint8],
    legend: Sequence[LegendEntry],
    title: str,
    outlines: Sequence[DrawnOutline] = (),
    notes: Sequence[str] = (),
) -> None:
    """Write the preview as PNG.

    Args:
        path: file to write.
        image: (C, H, W) in [0, 1]; the first three bands are shown.
        classes: (H, W) class map, 0 background, 255 nodata.
        legend: the K classes in the order of their ids.
        title: text before the legend.
        outlines: outlines of the examples in columns and rows of ``image``, drawn on the plain
            panel.
        notes: lines of text below the legend; long ones wrap.
    """
    plain = _show(image, classes)
    overlaid = _overlay(plain, classes, [entry.colour for entry in legend])
    height, width = plain.shape[:2]
    beside = width <= 2 * height  # panels of very wide scenes are stacked
    second = (2 * GAP + width, GAP) if beside else (GAP, 2 * GAP + height)
    text_size = max(14, round((2 * width if beside else width) / 60))
    total = second[0] + width + GAP
    entries = _place_legend(legend, title, text_size, total)
    foot = second[1] + height + GAP
    colours = {entry.name: entry.colour for entry in legend}
    lines = _break_lines(notes, text_size, total - 2 * GAP)
    below = foot + entries[-1][1] + 2 * text_size
    step = round(1.4 * text_size)
    sheet = Image.new("RGB", (total, below + step * len(lines)), PAPER)
    sheet.paste(draw_outlines(plain, outlines, colours), (GAP, GAP))
    sheet.paste(Image.fromarray(overlaid), second)
    _write_legend(sheet, legend, title, entries, text_size, foot)
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(lines):
        draw.text((GAP, below + number * step), line, INK, _font(text_size))
    made_by = PngInfo()
    made_by.add_text("Software", SOFTWARE)
    sheet.save(path, pnginfo=made_by)


def _show(image: npt.NDArray[np.float32], classes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(H, W, 3) image with nodata pixels in the void colour."""
    shown = image[:3] if len(image) >= 3 else image[:1].repeat(3, axis=0)
    pixels = np.rint(shown.transpose(1, 2, 0) * 255).astype(np.uint8)
    pixels[classes == NODATA] = VOID
    return pixels


def _overlay(
    plain: npt.NDArray[np.uint8], classes: npt.NDArray[np.uint8], colours: Sequence[Colour]
) -> npt.NDArray[np.uint8]:
    """Overlay classes as a translucent fill with a solid outline."""
    table = np.zeros((256, 3), np.float32)
    table[1 : len(colours) + 1] = colours
    is_class = (classes > 0) & (classes != NODATA)
    strength = np.where(is_class, OPACITY, 0).astype(np.float32)
    strength[_find_outlines(classes) & is_class] = 1
    mixed = plain * (1 - strength[..., None]) + table[classes] * strength[..., None]
    return np.rint(mixed).astype(np.uint8)


def _find_outlines(classes: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Pixels with a 4-neighbour of another class."""
    edge = np.zeros(classes.shape, np.bool_)
    down, right = classes[1:] != classes[:-1], classes[:, 1:] != classes[:, :-1]
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= right
    edge[:, :-1] |= right
    return edge


def _place_legend(
    legend: Sequence[LegendEntry], title: str, size: int, total: int
) -> list[tuple[int, int]]:
    """Upper left corners of the wrapped entries, the title first."""
    font = _font(size)
    x, y = GAP, 0
    places = [(x, y)]
    x += round(font.getlength(title)) + 2 * size
    for entry in legend:
        length = round(font.getlength(_format_entry(entry)) + 1.5 * size)
        if x + length > total - GAP and x > GAP:
            x, y = GAP, y + round(1.6 * size)
        places.append((x, y))
        x += length + size
    return places


def _break_lines(notes: Sequence[str], size: int, width: int) -> list[str]:
    """Wrap each note to the width of the sheet."""
    font, lines = _font(size), []
    for note in notes:
        line = ""
        for word in note.split():
            longer = f"{line} {word}".strip()
            if line and font.getlength(longer) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


def _write_legend(
    sheet: Image.Image,
    legend: Sequence[LegendEntry],
    title: str,
    places: Sequence[tuple[int, int]],
    size: int,
    top: int,
) -> None:
    draw, font = ImageDraw.Draw(sheet), _font(size)
    draw.text((places[0][0], top + places[0][1]), title, INK, font)
    for entry, (x, y) in zip(legend, places[1:], strict=True):
        box = (x, top + y, x + size, top + y + size)
        draw.rounded_rectangle(box, size // 5, entry.colour)
        draw.text((x + 1.4 * size, top + y), _format_entry(entry), INK, font)


def _format_entry(entry: LegendEntry) -> str:
    return f"{entry.name}  {entry.share:.1%}"


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
