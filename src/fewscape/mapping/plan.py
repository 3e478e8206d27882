"""What is mapped and how, as plain data: enough to finish a map without network and scene."""

from __future__ import annotations

import hashlib
import json
import re
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
from fewscape.raster.vectors.vectorise import STRIP_PIXELS
from fewscape.raster.writing.palette import BARE_GROUND, Colour

MAX_CLASSES = 254
"""Class maps are uint8 with 0 for background and 255 for no data."""


Planes = npt.NDArray[np.uint8]
"""(P, rows, W): classes and layers as they are written."""


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """A raster of numbers in [0, 1] beside the class map."""

    ending: str
    """What its file's name has behind the scene's, without suffix."""
    description: str
    """Name of its band."""


@dataclass(frozen=True)
class MapPlan:
    """A map that is to be made.

    Attributes:
        stem: name of the scene without suffix; the files are called after it.
        sources: what tells the content of each raster from another: path, size and time.
        grid: size and place of the map.
        class_names: the K classes.
        layers: the rasters beside the class map.
        scores: for each class, the number of the layer that scores its polygons.
        colours: of the classes.
        settings: further numbers that may decide a pixel, if only its last bit.
        bounds: first row of each section, and the height.
        tags: origin of the map, written into every file.
        vectors: whether polygons are written.
        preview: whether a preview is drawn.
        outputs: what is made of the finished rasters.
        strip_pixels: pixels of the class map that are looked at together for sieve and polygons.
        outlines: what was drawn on the scene; the preview shows it.
        notes: lines of text below the preview's legend.

    Raises:
        ConfigError: too many classes.
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
                f"at most {MAX_CLASSES} do",
                "map them in several runs with --classes",
            )

    @property
    def num_sections(self) -> int:
        """Parts that are computed one by one."""
        return len(self.bounds) - 1

    @property
    def scene_name(self) -> str:
        """File that is mapped; the multispectral one of a pair."""
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
        """Rasters: the class map and the layers."""
        return 1 + len(self.layers)

    @property
    def key(self) -> str:
        """Hexadecimal digits that change with anything that may change a pixel or a tag."""
        return hashlib.sha256(self.encode().encode()).hexdigest()[:16]

    @property
    def raster_names(self) -> list[str]:
        """File names: the class map, then the layers."""
        endings = ("classes", *(layer.ending for layer in self.layers))
        return [f"{self.stem}_{ending}.tif" for ending in endings]

    @property
    def styles(self) -> list[BandStyle]:
        """How the rasters' values are to be read."""
        names = dict(enumerate(("background", *self.class_names)))
        return [
            BandStyle.classes(names, dict(enumerate((BARE_GROUND, *self.colours)))),
            *(BandStyle.layer(layer.description) for layer in self.layers),
        ]

    def encode(self) -> str:
        """The plan as JSON."""
        content = {field.name: getattr(self, field.name) for field in fields(self)}
        crs = self.grid.crs
        content["grid"] = {
            "height": self.grid.height,
            "width": self.grid.width,
            "transform": self.grid.transform[:6],
            "crs": None if crs is None else crs.to_wkt(),
        }
        content["layers"] = [asdict(layer) for layer in self.layers]
        content["outputs"] = asdict(self.outputs)
        return json.dumps(content, sort_keys=True, ensure_ascii=False)

    @classmethod
    def decode(cls, text: str) -> MapPlan:
        """The plan of ``encode``."""
        from rasterio.crs import CRS

        content = json.loads(text)
        grid = content["grid"]
        crs = None if grid["crs"] is None else CRS.from_wkt(grid["crs"])
        transform = Affine(*grid["transform"])
        content["grid"] = Georeference(grid["height"], grid["width"], transform, crs)
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
        return cls(**content)


def make_slugs(names: Sequence[str]) -> list[str]:
    """Different names that every file system takes."""
    slugs = [re.sub(r"[^\w.-]+", "_", name).strip("_") or "class" for name in names]
    return [
        slug if slugs.count(slug) == 1 else f"{slug}_{number}"
        for number, slug in enumerate(slugs, start=1)
    ]
