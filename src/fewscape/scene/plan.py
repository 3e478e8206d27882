"""What is mapped and how, as plain data: enough to finish a map without network and scene."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from affine import Affine

from fewscape import __version__
from fewscape.raster import BandStyle, Georeference, SceneReader, WindowGrid, class_colours
from fewscape.raster.palette import BARE_GROUND, Colour
from fewscape.raster.scene_fingerprint import fingerprint_scene
from fewscape.raster.stac_item import read_time
from fewscape.scene.finishing import OutputOptions
from fewscape.scene.segmenter import Segmenter


@dataclass(frozen=True)
class MapPlan:
    """A map that is to be made.

    Attributes:
        stem: name of the scene without suffix; the files are called after it.
        source: what tells the scene's content from another: path, size and time of the file.
        height: rows of the scene.
        width: its columns.
        transform: six numbers of the affine transform.
        crs: reference system as WKT, None for none.
        class_names: the K classes.
        layer_names: the L further layers.
        colours: of the classes.
        threshold: probability from which a pixel belongs to a class.
        bounds: first row of each section, and the height.
        batch_size: windows that pass the network together; it may decide the last bit.
        tags: origin of the map, written into every file.
        vectors: whether polygons are written.
        preview: whether a preview is drawn.
        outputs: what is made of the finished rasters.
    """

    stem: str
    source: Mapping[str, Any]
    height: int
    width: int
    transform: tuple[float, ...]
    crs: str | None
    class_names: tuple[str, ...]
    layer_names: tuple[str, ...]
    colours: tuple[Colour, ...]
    threshold: float
    bounds: tuple[int, ...]
    batch_size: int
    tags: Mapping[str, str] = field(default_factory=dict)
    vectors: bool = True
    preview: bool = True
    outputs: OutputOptions = field(default_factory=OutputOptions)

    @property
    def num_sections(self) -> int:
        """Parts that are computed one by one."""
        return len(self.bounds) - 1

    @property
    def num_planes(self) -> int:
        """Rasters: classes, K probabilities, L layers."""
        return 1 + len(self.class_names) + len(self.layer_names)

    @property
    def key(self) -> str:
        """Hexadecimal digits that change with anything that may change a pixel or a tag."""
        return hashlib.sha256(self.encode().encode()).hexdigest()[:16]

    @cached_property
    def grid(self) -> Georeference:
        """Size and place of the map."""
        from rasterio.crs import CRS

        crs = None if self.crs is None else CRS.from_wkt(self.crs)
        return Georeference(self.height, self.width, Affine(*self.transform), crs)

    @property
    def raster_names(self) -> list[str]:
        """File names: the class map, a probability for each class, then the layers."""
        probabilities = [f"{slug}_prob.tif" for slug in _make_slugs(self.class_names)]
        layers = [f"{slug}.tif" for slug in _make_slugs(self.layer_names)]
        return [f"{self.stem}_{ending}" for ending in ("classes.tif", *probabilities, *layers)]

    @property
    def styles(self) -> list[BandStyle]:
        """How the rasters' values are to be read."""
        names = dict(enumerate(("background", *self.class_names)))
        return [
            BandStyle.classes(names, dict(enumerate((BARE_GROUND, *self.colours)))),
            *map(BandStyle.probability, self.class_names),
            *map(BandStyle.layer, self.layer_names),
        ]

    def encode(self) -> str:
        """The plan as JSON."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)

    @classmethod
    def decode(cls, text: str) -> MapPlan:
        """The plan of ``encode``."""
        content = json.loads(text)
        for name in ("transform", "class_names", "layer_names", "bounds"):
            content[name] = tuple(content[name])
        content["colours"] = tuple(tuple(colour) for colour in content["colours"])
        content["outputs"] = OutputOptions(**content["outputs"])
        return cls(**content)


def make_plan(
    scene: SceneReader,
    segmenter: Segmenter,
    windows: WindowGrid,
    batch_size: int,
    tags: Mapping[str, str],
    vectors: bool = True,
    preview: bool = True,
    outputs: OutputOptions | None = None,
) -> MapPlan:
    """The plan of a scene's map; arguments as in ``MapPlan``."""
    crs = scene.grid.crs
    colours = segmenter.colours or class_colours(len(segmenter.class_names))
    return MapPlan(
        scene.path.stem,
        _describe_source(scene),
        scene.height,
        scene.width,
        tuple(scene.grid.transform)[:6],
        None if crs is None else crs.to_wkt(),
        tuple(segmenter.class_names),
        tuple(segmenter.layer_names),
        tuple(colours),
        segmenter.threshold,
        windows.bounds,
        batch_size,
        {**_tell_origin(scene, batch_size), **tags},
        vectors,
        preview,
        outputs or OutputOptions(),
    )


def _tell_origin(scene: SceneReader, batch_size: int) -> dict[str, str]:
    """Tags of every map: version, scene, and what may decide the last bit."""
    origin = {
        "FEWSCAPE_VERSION": __version__,
        "SCENE": scene.path.name,
        "SCENE_FINGERPRINT": fingerprint_scene(scene.source.address),
        "BATCH_SIZE": str(batch_size),
    }
    taken = read_time(scene.source.address)
    return origin if taken is None else origin | {"SCENE_TIME": taken.isoformat()}


def _describe_source(scene: SceneReader) -> dict[str, Any]:
    """Path, and for a local file its size and time, which tell whether it was replaced."""
    told: dict[str, Any] = {"path": str(scene.source), "bands": list(scene.bands)}
    file = scene.source.file
    if file is not None and file.is_file():
        status = file.stat()
        told |= {"path": str(file.resolve()), "bytes": status.st_size, "time": status.st_mtime_ns}
    return told


def _make_slugs(names: Sequence[str]) -> list[str]:
    """Different names that every file system takes."""
    slugs = [re.sub(r"[^\w.-]+", "_", name).strip("_") or "class" for name in names]
    return [
        slug if slugs.count(slug) == 1 else f"{slug}_{number}"
        for number, slug in enumerate(slugs, start=1)
    ]
