"""``MapPlan``: a map as plain data, enough to assemble it without network and scene."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt
from affine import Affine

from fewscape.core import ConfigError
from fewscape.mapping.examples.outlines import Outline
from fewscape.mapping.output.finishing import OutputOptions
from fewscape.raster import BandStyle, Georeference
from fewscape.raster.grid import STRIP_PIXELS
from fewscape.raster.ground_control import GroundControl
from fewscape.raster.writing.palette import BARE_GROUND, Colour

LONGEST_NAME = 240
"""Maximum bytes of a file name; file systems allow 255, and drafts have longer names."""

LONGEST_SLUG = 80
"""Maximum bytes of a class name within a file name."""

MAX_CLASSES = 254
"""Class maps are uint8 with 0 for background and 255 for nodata."""


Planes = npt.NDArray[np.uint8]
"""(P, rows, W): classes and layers in output form."""


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """A raster in [0, 1] beside the class map."""

    ending: str
    """Ending of its file name after the scene's name, without suffix."""
    description: str
    """Name of its band."""


@dataclass(frozen=True)
class MapPlan:
    """The plan of a map.

    Attributes:
        stem: name of the scene without suffix, the prefix of all file names.
        sources: identity of each raster: path, size and time.
        grid: size and georeference of the map.
        class_names: the K classes.
        layers: the other rasters.
        scores: for each class, the index of the layer that scores its polygons.
        colours: colours of the classes.
        settings: other numbers that may affect a pixel, even in its last bit.
        bounds: first row of each section, and the height.
        tags: provenance, written into every file.
        vectors: whether to write polygons.
        preview: whether to draw a preview.
        outputs: postprocessing of the finished rasters.
        strip_pixels: pixels of the class map in memory for sieve and polygons.
        outlines: outlines of the examples, for the preview.
        notes: lines of text below the preview's legend.

    Raises:
        ConfigError: there are too many classes, or a file name is invalid.
    """

    stem: str
    sources: Sequence[Mapping[str, Any]]
    grid: Georeference
    class_names: tuple[str, ...]
    layers: tuple[LayerPlan, ...]
    scores: tuple[int, ...]
    colours: tuple[Colour, ...]
    settings: Mapping[str, Any]
    bounds: tuple[int, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    vectors: bool = True
    preview: bool = True
    outputs: OutputOptions = field(default_factory=OutputOptions)
    strip_pixels: int = STRIP_PIXELS
    outlines: tuple[Outline, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.class_names) > MAX_CLASSES:
            raise ConfigError(
                f"{len(self.class_names)} classes do not fit a class map",
                f"at most {MAX_CLASSES} fit",
                "map them in several runs with --classes",
            )
        check_file_names([self.stem, *self.file_names])

    @property
    def num_sections(self) -> int:
        """Number of sections."""
        return len(self.bounds) - 1

    @property
    def scene_name(self) -> str:
        """Name of the mapped file; the multispectral one of a pair."""
        return self.tags.get("SCENE") or self.tags.get("MS", self.stem)

    @property
    def num_pixels(self) -> int:
        """Of the map."""
        return self.grid.height * self.grid.width

    def count_rows(self, section: int) -> int:
        """Rows of a section."""
        return self.bounds[section + 1] - self.bounds[section]

    def count_pixels(self, section: int) -> int:
        """Pixels of a section."""
        return self.count_rows(section) * self.grid.width

    @property
    def num_planes(self) -> int:
        """Number of rasters: the class map and the layers."""
        return 1 + len(self.layers)

    @property
    def key(self) -> str:
        """Hash of everything that may change a pixel or a tag, hexadecimal."""
        return make_key(self.encode())

    @property
    def raster_names(self) -> list[str]:
        """File names of the class map and the layers."""
        endings = ("classes", *(layer.ending for layer in self.layers))
        return [f"{self.stem}_{ending}.tif" for ending in endings]

    @property
    def file_names(self) -> list[str]:
        """Names of all output files."""
        names = self.raster_names
        if self.outputs.styles:
            names += [f"{name.removesuffix('.tif')}.qml" for name in names]
        wanted = {
            f"{self.stem}.gpkg": self.vectors,
            f"{self.stem}_preview.png": self.preview,
            f"{self.stem}.stac.json": self.outputs.stac,
        }
        return [*names, *(name for name, is_wanted in wanted.items() if is_wanted)]

    @property
    def styles(self) -> list[BandStyle]:
        """Styles of the rasters."""
        names = dict(enumerate(("background", *self.class_names)))
        return [
            BandStyle.classes(names, dict(enumerate((BARE_GROUND, *self.colours)))),
            *(BandStyle.layer(layer.description) for layer in self.layers),
        ]

    def encode(self) -> str:
        """Encode the plan as JSON."""
        content = {field.name: getattr(self, field.name) for field in fields(self)}
        crs = self.grid.crs
        content["grid"] = {
            "height": self.grid.height,
            "width": self.grid.width,
            "transform": self.grid.transform[:6],
            "crs": None if crs is None else crs.to_wkt(),
            **({"control": asdict(self.grid.control)} if self.grid.control else {}),
        }
        content["layers"] = [asdict(layer) for layer in self.layers]
        content["outputs"] = asdict(self.outputs)
        return json.dumps(content, sort_keys=True, ensure_ascii=False)

    @classmethod
    def decode(cls, text: str) -> MapPlan:
        """Decode the output of ``encode``."""
        from rasterio.crs import CRS

        content = json.loads(text)
        grid = content["grid"]
        crs = None if grid["crs"] is None else CRS.from_wkt(grid["crs"])
        transform = Affine(*grid["transform"])
        control = None
        if "control" in grid:
            points = tuple(tuple(map(float, point)) for point in grid["control"]["points"])
            control = GroundControl(points, str(grid["control"]["camera"]))  # type: ignore[arg-type]
        content["grid"] = Georeference(grid["height"], grid["width"], transform, crs, control)
        for name in ("class_names", "scores", "bounds"):
            content[name] = tuple(content[name])
        content["layers"] = tuple(LayerPlan(**layer) for layer in content["layers"])
        content["colours"] = tuple(tuple(colour) for colour in content["colours"])
        content["outlines"] = tuple(
            Outline(name, tuple((col, row) for col, row in points))
            for name, points in content.get("outlines", ())
        )
        content["notes"] = tuple(content.get("notes", ()))
        content["outputs"] = OutputOptions(**content["outputs"])
        plan = cls(**content)
        _check_decoded(plan)
        return plan


def make_key(text: str) -> str:
    """Key of an encoded plan."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _check_decoded(plan: MapPlan) -> None:
    """Validate a plan that was read from a file.

    Raises:
        ValueError: a value is invalid.
    """
    words = (plan.stem, *plan.class_names, *plan.tags, *plan.tags.values())
    numbers = (plan.grid.height, plan.grid.width, *plan.bounds, *plan.scores, plan.strip_pixels)
    parts = [part for colour in plan.colours for part in colour]
    if not all(isinstance(word, str) for word in words):
        raise ValueError("a name or tag is not text")
    if not all(isinstance(number, int) and number >= 0 for number in (*numbers, *parts)):
        raise ValueError("a size is not a whole number from 0")
    steps = itertools.pairwise(plan.bounds)
    is_whole = plan.bounds[:1] == (0,) and plan.bounds[-1:] == (plan.grid.height,)
    if not is_whole or any(first >= second for first, second in steps):
        raise ValueError("its sections do not cover the map")
    if not len(plan.scores) == len(plan.colours) == len(plan.class_names):
        raise ValueError("classes, scores and colours differ in number")
    if any(score >= len(plan.layers) for score in plan.scores) or max(parts, default=0) > 255:
        raise ValueError("a score or colour is out of range")
    if any(len(colour) != 3 for colour in plan.colours) or not math.prod(plan.grid.transform[:6:4]):
        raise ValueError("a colour or the transform is invalid")


def check_file_names(names: Sequence[str]) -> None:
    """Check that names differ, stay in the folder and are not too long.

    Raises:
        ConfigError: one is not.
    """
    for name in names:
        if name != os.path.basename(name) or "\0" in name or name in ("", ".", ".."):  # noqa: PTH119
            raise ConfigError(
                f"'{name}' is not a file name",
                "expected a name without folders",
                "rename the scene",
            )
        if not name.isprintable():
            raise ConfigError(
                f"{name[:60]!r} is not a file name",
                "expected a name without control characters",
                "rename the scene",
            )
        if len(os.fsencode(name)) > LONGEST_NAME:
            raise ConfigError(
                f"'{name[:60]}...' has {len(os.fsencode(name))} bytes, too many for a file name",
                f"expected at most {LONGEST_NAME}",
                "give the scene a shorter name",
            )
    folded = [fold_name(name) for name in names]
    for place, name in enumerate(folded):
        if name in folded[:place]:
            raise ConfigError(
                f"two files of the map would be named '{names[place]}'",
                "each class and layer needs its own file",
                "rename one of the classes",
            )


def fold_name(name: str) -> str:
    """Normalise names that some file systems treat as equal: case and Unicode form."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def make_slugs(names: Sequence[str]) -> list[str]:
    """Make distinct names that are valid on every file system, including case-insensitive ones.

    Examples:
        >>> make_slugs(["a b", "a/b", "a_b_1", "Roof", "roof", "lake"])
        ['a_b_1', 'a_b_2', 'a_b_1_3', 'Roof_4', 'roof_5', 'lake']
    """
    slugs = [_shorten(re.sub(r"[^\w.-]+", "_", name).strip("_.") or "class") for name in names]
    folded = [fold_name(slug) for slug in slugs]
    found: list[str] = []
    for number, (slug, fold) in enumerate(zip(slugs, folded, strict=True), start=1):
        own = slug if folded.count(fold) == 1 else f"{slug}_{number}"
        while fold_name(own) in map(fold_name, found):
            own = f"{own}_{number}"
        found.append(own)
    return found


def _shorten(slug: str) -> str:
    """Shorten a name to leave room for the scene's name."""
    return os.fsencode(slug)[:LONGEST_SLUG].decode("utf-8", "ignore").rstrip("_.")
