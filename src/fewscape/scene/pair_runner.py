"""A panchromatic and multispectral pair from two files to a map."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from fewscape import __version__
from fewscape.core import ConfigError
from fewscape.raster import (
    NODATA,
    BandStyle,
    PanMsReader,
    StagedFiles,
    StripWriter,
    class_colours,
    quantise,
)
from fewscape.raster.gdal import open_raster
from fewscape.raster.palette import BARE_GROUND, Colour
from fewscape.raster.stac_item import read_time
from fewscape.raster.staging import report_write_errors
from fewscape.scene.assembly import MapResult
from fewscape.scene.finishing import OutputOptions, WrittenMap, describe_map, finish_map
from fewscape.scene.pair_segmenter import PairScene, PairSegmenter, PairTile
from fewscape.scene.preview import LONGEST, LegendEntry, draw_preview
from fewscape.scene.runner import MAX_CLASSES

Grid = Literal["pan", "ms"]
Bytes = npt.NDArray[np.uint8]

STRETCH = (2, 98)
"""Percentiles that become black and white in the preview."""


@dataclass(frozen=True, slots=True)
class PairMapOptions:
    """How a pair is mapped."""

    grid: Grid = "pan"
    """Grid of the map: ``pan`` gives each superpixel its most frequent class."""
    vectors: bool = True
    """Whether to write polygons."""
    preview: bool = True
    """Whether to draw the preview."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Origin of the map, written into every file: model, examples, parameters."""
    progress: Callable[[int], None] = lambda pixels: None
    """Called with the number of multispectral pixels finished since the last call."""
    outputs: OutputOptions = field(default_factory=OutputOptions)
    """What is made of the finished rasters."""


def map_pair(
    reader: PanMsReader,
    scene: PairScene,
    segmenter: PairSegmenter,
    folder: Path | str,
    options: PairMapOptions | None = None,
) -> MapResult:
    """Map a pair and write what was found, named after the multispectral file.

    Files, all of them at once when everything is finished::

        <ms>_classes.tif     uint8: 1 to K classes, 0 background, 255 no data; colour table
        <ms>_confidence.tif  uint8: probability of the class in steps of 1 / 254, 255 no data
        <ms>_margin.tif      uint8: how much it is ahead of the second class, likewise
        <ms>_*.qml           how QGIS shows each of them
        <ms>.gpkg            polygons with class, score, area and perimeter
        <ms>_preview.png     the scene beside the map
        <ms>.stac.json       a STAC item, if asked for

    Args:
        reader: the files.
        scene: their tiles.
        segmenter: what it learnt from the examples.
        folder: where the files go; made if absent, older maps of the pair are replaced.
        options: see ``PairMapOptions``.

    Raises:
        SceneError: a file is damaged.
        OutputError: the folder cannot be written, or the disk is full.
        ConfigError: too many classes, or outputs that cannot be made.
    """
    options = options or PairMapOptions()
    begin = time.perf_counter()
    names = segmenter.class_names[segmenter.has_background :]
    if len(names) > MAX_CLASSES:
        raise ConfigError(
            f"{len(names)} classes do not fit a class map", f"at most {MAX_CLASSES} do"
        )
    grid = reader.pan_grid if options.grid == "pan" else reader.grid
    options.outputs.check(reader.path, grid)
    stem = reader.path.stem
    colours = class_colours(len(names))
    origin = {"PAN": reader.pan_path.name, "MS": reader.ms_path.name}
    if taken := read_time(reader.path):
        origin["SCENE_TIME"] = taken.isoformat()
    tags = {"FEWSCAPE_VERSION": __version__, **origin, **options.tags}
    with StagedFiles(folder) as staged:
        rasters = [
            staged.path(f"{stem}_{layer}.tif") for layer in ("classes", "confidence", "margin")
        ]
        counts = _write_rasters(reader, scene, segmenter, rasters, tags, options)
        scores = [rasters[1]] * len(names)
        written = WrittenMap(
            staged, stem, grid, rasters[0], rasters[1:], scores, names, colours, tags
        )
        counts = finish_map(written, counts, options.outputs, options.vectors)
        if options.preview:
            picture = staged.path(f"{stem}_preview.png")
            shares = counts[1 : len(names) + 1] / max(1, counts[:NODATA].sum())
            legend = list(map(LegendEntry, names, colours, shares.tolist()))
            _draw(picture, reader, rasters[0], legend)
        describe_map(written, options.outputs)
        files = tuple(staged.commit())
    found = dict(zip(names, counts[1:].tolist(), strict=False))
    return MapResult(
        files,
        int(counts.sum()),
        int(counts[:NODATA].sum()),
        found,
        time.perf_counter() - begin,
    )


def _write_rasters(
    reader: PanMsReader,
    scene: PairScene,
    segmenter: PairSegmenter,
    paths: list[Path],
    tags: Mapping[str, str],
    options: PairMapOptions,
) -> npt.NDArray[np.int64]:
    """Write classes, confidence and margin; pixels of every value of the class map."""
    names = segmenter.class_names[segmenter.has_background :]
    table: dict[int, Colour] = dict(enumerate([BARE_GROUND, *class_colours(len(names))]))
    styles = [
        BandStyle.classes(dict(enumerate(("background", *names))), table),
        BandStyle.layer("probability of the class"),
        BandStyle.layer("probability of the class less that of the second"),
    ]
    grid = reader.pan_grid if options.grid == "pan" else reader.grid
    counts = np.zeros(256, np.int64)
    with ExitStack() as stack:
        writers = [
            stack.enter_context(StripWriter(path, grid, style, tags))
            for path, style in zip(paths, styles, strict=True)
        ]
        waiting: list[list[Bytes]] = []
        for tile in scene.load(scene.tiles()):
            waiting.append(classify_tile(scene, segmenter, tile, options.grid))
            options.progress(tile.valid.size)
            if tile.window.col + tile.window.width < reader.grid.width:
                continue
            for writer, parts in zip(writers, zip(*waiting, strict=True), strict=True):
                writer.append(np.concatenate(parts, axis=1))
            counts += np.bincount(
                np.concatenate([layers[0].ravel() for layers in waiting]), minlength=256
            )
            waiting = []
    return counts


def classify_tile(
    scene: PairScene, segmenter: PairSegmenter, tile: PairTile, grid: Grid
) -> list[Bytes]:
    """Classes, confidence and margin of a tile, as they are written.

    On the panchromatic grid each superpixel gets the class that most of its pixels have, and the
    means of their confidences and margins.
    """
    valid = tile.valid
    if valid.any():
        best = segmenter(scene.describe(tile)).topk(2, dim=0)
        first, second = best.values.cpu().numpy()
        classes = best.indices[0].cpu().numpy() + (not segmenter.has_background)
    else:
        first = second = np.zeros(valid.shape, np.float32)
        classes = np.zeros(valid.shape, np.int64)
    layers = [first, first - second]
    if grid == "pan":
        ratio = scene.source.ratio
        block = np.ones((ratio, ratio), np.int64)
        top, left, height, width = (ratio * side for side in tile.inside)
        regions = tile.regions.numpy()[top : top + height, left : left + width]
        valid, classes = np.kron(valid, block).astype(bool), np.kron(classes, block)
        shares = [np.kron(layer, block) for layer in layers]
        classes, layers = vote(classes, shares, regions, valid)
    planes = [classes.astype(np.uint8), *map(quantise, layers)]
    for plane in planes:
        plane[~valid] = NODATA
    return planes


def vote(
    classes: npt.NDArray[np.int64],
    layers: list[npt.NDArray[np.float64]],
    regions: npt.NDArray[np.int32],
    valid: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.int64], list[npt.NDArray[np.float64]]]:
    """Each region its most frequent class and its mean layers, all (H, W).

    Args:
        classes: from 0.
        layers: numbers.
        regions: from 0.
        valid: only these pixels vote.

    Examples:
        >>> classes, regions = np.array([[1, 2, 2, 3]]), np.array([[0, 0, 0, 1]], np.int32)
        >>> vote(classes, [], regions, np.ones((1, 4), bool))[0].tolist()
        [[2, 2, 2, 3]]
    """
    own, count = regions[valid], int(regions.max()) + 1
    kinds = int(classes.max()) + 1
    votes = np.bincount(own * kinds + classes[valid], minlength=count * kinds)
    sizes = np.maximum(np.bincount(own, minlength=count), 1)
    means = [np.bincount(own, layer[valid], minlength=count) / sizes for layer in layers]
    return votes.reshape(count, kinds).argmax(axis=1)[regions], [mean[regions] for mean in means]


def _draw(path: Path, reader: PanMsReader, classes: Path, legend: list[LegendEntry]) -> None:
    grid = reader.pan_grid
    shrink = max(1.0, max(grid.height, grid.width) / LONGEST)
    size = round(grid.height / shrink), round(grid.width / shrink)
    ms, pan = reader.read_overview(*size)
    red_green_blue = np.stack([_stretch(band) for band in ms[2::-1]])
    detail = _stretch(pan) - red_green_blue.mean(axis=0)
    image = np.clip(red_green_blue + detail, 0, 1)  # colour of one, detail of the other
    with open_raster(classes) as dataset:
        reduced = dataset.read(1, out_shape=size)
    with report_write_errors(path):
        draw_preview(path, image.astype(np.float32), reduced, legend, reader.path.stem)


def _stretch(band: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    low, high = np.percentile(band, STRETCH)
    stretched: npt.NDArray[np.float32] = np.clip((band - low) / max(high - low, 1e-6), 0, 1)
    return stretched
