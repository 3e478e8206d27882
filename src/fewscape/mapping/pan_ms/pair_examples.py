"""Labelled pixels of a panchromatic and multispectral pair, from polygons and points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fewscape.core import ExamplesError, Window
from fewscape.mapping.examples.annotation_files import read_annotations
from fewscape.mapping.examples.annotations import Annotations
from fewscape.mapping.examples.buffering import DEFAULT_BUFFER
from fewscape.mapping.examples.example_files import hash_examples
from fewscape.mapping.examples.label_rasters import Zero
from fewscape.mapping.examples.outlines import Outline, trace_outlines
from fewscape.mapping.examples.reserved_names import BACKGROUND
from fewscape.raster import PanMsReader
from fewscape.raster.writing.palette import Colour

SIDE = 256
"""Side of the windows in which validity is read."""

SEED = 0
"""Seed of the choice among labelled pixels, so that the same examples give the same map."""


@dataclass(frozen=True, slots=True)
class PixelExamples:
    """S pixels of the multispectral grid with their classes."""

    pixels: npt.NDArray[np.int64]
    """(S, 2) rows and columns."""
    owners: npt.NDArray[np.int64]
    """(S,) class numbers."""
    class_names: tuple[str, ...]
    """The classes 0, 1, ...; ``background``, if drawn, is the first."""
    source: str
    """Name of the file."""
    sha256: str
    colours: Mapping[str, Colour] = field(default_factory=dict)
    """Colours that the file gives to classes."""
    outlines: tuple[Outline, ...] = ()
    """Outlines of the examples in multispectral pixels."""

    @property
    def has_background(self) -> bool:
        """Whether background was drawn; otherwise every pixel gets a class."""
        return self.class_names[0] == BACKGROUND


def read_pixel_examples(
    path: Path | str,
    reader: PanMsReader,
    class_field: str = "class",
    zero: Zero = "auto",
    classes: Sequence[str] | None = None,
    most: int = 100,
    buffer: str = DEFAULT_BUFFER,
    layer: str | None = None,
) -> PixelExamples:
    """Read the pixels whose centre is in a polygon or near a point or line.

    Pixels of several classes and nodata pixels are skipped. If a class has more than ``most``
    pixels, they are sampled evenly.

    Args:
        path: see ``read_annotations``.
        reader: the pair.
        class_field: attribute that holds the class.
        zero: meaning of 0 in a label raster.
        classes: only these classes.
        most: maximum number of pixels per class.
        buffer: radius around points and lines, in multispectral pixels or metres.
        layer: layer of a vector file with several.

    Raises:
        ExamplesError: see ``read_annotations``; or fewer than two classes are left, or one has no
            pixel.
    """
    annotations = read_annotations(path, reader, class_field, zero, buffer=buffer, layer=layer)
    drawn = annotations.class_names
    missing = [name for name in classes or () if name not in drawn]
    if missing:
        raise ExamplesError(
            f"the examples '{path}' have no class '{missing[0]}'",
            f"they have {', '.join(drawn)}",
            "correct --classes",
        )
    wanted = tuple(classes or drawn)
    if BACKGROUND in annotations.polygons:
        wanted = (BACKGROUND, *wanted)
    if len(wanted) < 2:
        raise ExamplesError(
            f"the examples '{path}' have only one class, '{wanted[0]}'",
            "every pixel gets the most similar class, so at least two are needed",
            "draw other kinds of ground too, as other classes or as 'background'",
        )
    pixels = _find_pixels(annotations, wanted, reader)
    for name, own in zip(wanted, pixels, strict=True):
        if not len(own):
            raise ExamplesError(
                f"the class '{name}' has no usable pixel in '{reader.path}'",
                "its polygons contain no valid pixel centre outside other classes",
                "draw larger polygons, or points",
            )
    rng = np.random.default_rng(SEED)
    chosen = [_draw_evenly(own, most, rng) for own in pixels]
    return PixelExamples(
        np.concatenate(chosen),
        np.repeat(np.arange(len(wanted)), [len(own) for own in chosen]),
        wanted,
        Path(path).name,
        hash_examples(Path(path)),
        annotations.colours,
        trace_outlines(annotations),
    )


def _find_pixels(
    annotations: Annotations, names: Sequence[str], reader: PanMsReader
) -> list[npt.NDArray[np.int64]]:
    """Pixels (N, 2) of each class, by rows."""
    grid = reader.grid
    numbers = np.zeros((grid.height, grid.width), np.int16)
    whole = Window(0, 0, grid.height, grid.width)
    for number, name in enumerate(names, start=1):
        mask = annotations.paint(name, whole)
        numbers[mask & (numbers > 0)] = -1  # of several classes
        numbers[mask & (numbers == 0)] = number
    for row, col in np.unique(np.argwhere(numbers > 0) // SIDE, axis=0).tolist():
        top, left = row * SIDE, col * SIDE
        size = min(SIDE, grid.height - top), min(SIDE, grid.width - left)
        window = Window(top, left, *size)
        numbers[window.slices][~reader.read(window)[1]] = 0
    return [np.argwhere(numbers == number) for number in range(1, len(names) + 1)]


def _draw_evenly(
    pixels: npt.NDArray[np.int64], most: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Choose one pixel from each of ``most`` equally long runs."""
    if len(pixels) <= most:
        return pixels
    edges = np.linspace(0, len(pixels), most + 1).astype(int)
    return pixels[rng.integers(edges[:-1], edges[1:])]
