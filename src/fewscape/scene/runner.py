"""A scene from file to map, in memory that does not grow with it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from fewscape import __version__
from fewscape.core import ConfigError
from fewscape.raster import (
    NODATA,
    BandStyle,
    SceneReader,
    StagedFiles,
    StripWriter,
    class_colours,
    quantise,
)
from fewscape.raster.gdal import open_raster
from fewscape.raster.palette import BARE_GROUND, Colour
from fewscape.raster.scene_fingerprint import fingerprint_scene
from fewscape.raster.staging import report_write_errors
from fewscape.scene.blending import Strip
from fewscape.scene.finishing import OutputOptions, WrittenMap, describe_map, finish_map
from fewscape.scene.prediction import predict_strips
from fewscape.scene.preview import LONGEST, LegendEntry, draw_preview
from fewscape.scene.segmenter import Segmenter

MAX_CLASSES = 254
"""Class maps are uint8 with 0 for background and 255 for no data."""


@dataclass(frozen=True, slots=True)
class MapOptions:
    """How a scene is mapped."""

    overlap: float = 0.25
    """Share of a window's side that neighbours have in common; at least one cell."""
    batch_size: int = 8
    """Windows that pass the network together."""
    vectors: bool = True
    """Whether to write polygons."""
    preview: bool = True
    """Whether to draw the preview."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Origin of the map, written into every file: model, examples, parameters."""
    progress: Callable[[int], None] = lambda pixels: None
    """Called with the number of pixels finished since the last call."""
    outputs: OutputOptions = field(default_factory=OutputOptions)
    """What is made of the finished rasters."""


@dataclass(frozen=True, slots=True)
class MapResult:
    """What was written, and how fast."""

    files: tuple[Path, ...]
    pixels: int
    """Of the scene."""
    valid_pixels: int
    class_pixels: Mapping[str, int]
    """Pixels of each class."""
    seconds: float
    """From the first reading to the last file."""

    @property
    def megapixels_per_second(self) -> float:
        """Speed over the whole scene."""
        return self.pixels / 1e6 / self.seconds


def map_scene(
    scene: SceneReader,
    segmenter: Segmenter,
    folder: Path | str,
    options: MapOptions | None = None,
) -> MapResult:
    """Map a scene and write what was found.

    Files, all of them at once when everything is finished::

        <scene>_classes.tif       uint8: 0 background, 1 to K classes, 255 no data; colour table
        <scene>_<class>_prob.tif  uint8: probability in steps of 1 / 254, 255 no data
        <scene>_<layer>.tif       further layers of the network, likewise
        <scene>_*.qml             how QGIS shows each of them
        <scene>.gpkg              polygons with class, score, area and perimeter
        <scene>_preview.png       the scene beside the map
        <scene>.stac.json         a STAC item, if asked for

    Windows without a valid pixel are skipped, invalid pixels get 255. A scene smaller than a
    window is reflected up to one window.

    Args:
        scene: where the windows come from.
        segmenter: the network.
        folder: where the files go; made if absent, older maps of the scene are replaced.
        options: see ``MapOptions``.

    Raises:
        SceneError: the scene is damaged or has no valid pixel.
        OutputError: the folder cannot be written, or the disk is full.
        ConfigError: impossible overlap, too many classes, or outputs that cannot be made.
    """
    options = options or MapOptions()
    begin = time.perf_counter()
    _check(segmenter, options)
    options.outputs.check(scene.path, scene.grid)
    with StagedFiles(folder) as staged, scene.set_cache(segmenter.window):
        _ = scene.limits  # one look at the whole scene; raises if it is empty
        tags = {
            "FEWSCAPE_VERSION": __version__,
            "SCENE": scene.path.name,
            "SCENE_FINGERPRINT": fingerprint_scene(scene.path),
            **options.tags,
        }
        names = _name_files(scene.path.stem, segmenter)
        rasters = [staged.path(name) for name in names]
        counts = _write_rasters(scene, segmenter, rasters, tags, options)
        written = WrittenMap(
            staged,
            scene.path,
            scene.grid,
            rasters[0],
            rasters[1:],
            rasters[1 : 1 + len(segmenter.class_names)],
            segmenter.class_names,
            _choose_colours(segmenter),
            tags,
        )
        counts = finish_map(written, counts, options.outputs, options.vectors)
        if options.preview:
            picture = staged.path(f"{scene.path.stem}_preview.png")
            _draw(picture, scene, rasters[0], segmenter, counts)
        describe_map(written, options.outputs)
        files = tuple(staged.commit())
    found = dict(zip(segmenter.class_names, counts[1:-1].tolist(), strict=True))
    valid = int(counts[:-1].sum())
    seconds = time.perf_counter() - begin
    return MapResult(files, scene.height * scene.width, valid, found, seconds)


def _check(segmenter: Segmenter, options: MapOptions) -> None:
    if not 0 <= options.overlap < 1:
        raise ConfigError(
            f"an overlap of {options.overlap} was asked for",
            "it is a share of the window, at least 0 and less than 1",
            "use 0.25",
        )
    if len(segmenter.class_names) > MAX_CLASSES:
        raise ConfigError(
            f"{len(segmenter.class_names)} classes do not fit a class map",
            f"at most {MAX_CLASSES} do",
            "map them in several runs with --classes",
        )


def _name_files(stem: str, segmenter: Segmenter) -> list[str]:
    """The class map, a probability for each class, then the layers."""
    probabilities = [f"{stem}_{slug}_prob.tif" for slug in _make_slugs(segmenter.class_names)]
    layers = [f"{stem}_{slug}.tif" for slug in _make_slugs(segmenter.layer_names)]
    return [f"{stem}_classes.tif", *probabilities, *layers]


def _make_slugs(names: Sequence[str]) -> list[str]:
    """Different names that every file system takes."""
    slugs = [re.sub(r"[^\w.-]+", "_", name).strip("_") or "class" for name in names]
    return [
        slug if slugs.count(slug) == 1 else f"{slug}_{number}"
        for number, slug in enumerate(slugs, start=1)
    ]


def _write_rasters(
    scene: SceneReader,
    segmenter: Segmenter,
    paths: Sequence[Path],
    tags: Mapping[str, str],
    options: MapOptions,
) -> npt.NDArray[np.int64]:
    """Write class map and probabilities; pixels of background, each class, no data."""
    names = segmenter.class_names
    colours = dict(enumerate([BARE_GROUND, *_choose_colours(segmenter)]))
    styles = [
        BandStyle.classes(dict(enumerate(("background", *names))), colours),
        *map(BandStyle.probability, names),
        *map(BandStyle.layer, segmenter.layer_names),
    ]
    counts = np.zeros(256, np.int64)
    with ExitStack() as stack:
        writers = [
            stack.enter_context(StripWriter(path, scene.grid, style, tags))
            for path, style in zip(paths, styles, strict=True)
        ]
        for strip in predict_strips(scene, segmenter, options.overlap, options.batch_size):
            classes, layers = decide(strip, len(names), segmenter.threshold)
            counts += np.bincount(classes.ravel(), minlength=256)
            for writer, rows in zip(writers, (classes, *layers), strict=True):
                writer.append(rows)
            options.progress(classes.size)
    return np.append(counts[: len(names) + 1], counts[NODATA])


def _choose_colours(segmenter: Segmenter) -> Sequence[Colour]:
    return segmenter.colours or class_colours(len(segmenter.class_names))


def decide(
    strip: Strip, num_classes: int, threshold: float
) -> tuple[npt.NDArray[np.uint8], list[npt.NDArray[np.uint8]]]:
    """Classes (rows, W) and the K + L probabilities and layers (rows, W), as they are written."""
    # max is sixteen times faster than argmax on planes
    best, index = strip.probabilities[:num_classes].max(dim=0)
    chosen = index.to(torch.uint8).add_(1).mul_(best >= threshold).cpu().numpy()
    quantised = list(quantise(strip.probabilities.cpu().numpy()))
    if not strip.valid.all():
        for plane in (chosen, *quantised):
            np.copyto(plane, NODATA, where=~strip.valid)
    return chosen, quantised


def _draw(
    path: Path,
    scene: SceneReader,
    classes: Path,
    segmenter: Segmenter,
    counts: npt.NDArray[np.int64],
) -> None:
    names = segmenter.class_names
    image, _ = scene.read_overview(LONGEST)
    with open_raster(classes) as dataset:
        reduced = dataset.read(1, out_shape=image.shape[1:])
    valid = max(1, int(counts[:-1].sum()))
    legend = [
        LegendEntry(name, colour, int(count) / valid)
        for name, colour, count in zip(names, _choose_colours(segmenter), counts[1:], strict=False)
    ]
    with report_write_errors(path):
        draw_preview(path, image, reduced, legend, scene.path.stem)
