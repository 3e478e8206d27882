"""Map a panchromatic and multispectral pair: sections from rows of tiles."""

from __future__ import annotations

import statistics
import time
from contextlib import closing
from functools import cached_property
from itertools import islice
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from fewscape.core import Window
from fewscape.mapping.examples.outlines import scale_outlines
from fewscape.mapping.mapper import MapOptions, Sections, describe_origin
from fewscape.mapping.output.preview import LONGEST
from fewscape.mapping.pan_ms.pair_memory import PairMemory
from fewscape.mapping.pan_ms.pair_segmenter import PairScene, PairSegmenter, PairTile
from fewscape.mapping.plan import LayerPlan, MapPlan, Planes
from fewscape.mapping.windows.prediction import check_scores
from fewscape.raster import NODATA, PanMsReader, choose_colours, quantise
from fewscape.raster.gdal import limit_cache
from fewscape.raster.opening.source_files import describe_files
from fewscape.raster.reading.scaling import find_limits, stretch

Grid = Literal["pan", "ms"]

TIMED_TILES = 3
"""Number of tiles timed to estimate the cost."""

LAYERS = (
    LayerPlan("confidence", "probability of the class"),
    LayerPlan("margin", "probability of the class minus that of the runner-up"),
)


class PairMapper:
    """The ``Mapper`` of a pair; the map is named after the multispectral raster.

    Args:
        reader: reader of both rasters.
        scene: its tiles.
        segmenter: segmenter with the learned classes.
        options: see ``MapOptions``.
        grid: grid of the map; ``pan`` assigns each superpixel its most frequent class.

    Raises:
        ConfigError: the requested output cannot be made, or the tiles exceed the memory limit.
        SceneError: a STAC item was requested and the pair has no CRS.
    """

    def __init__(
        self,
        reader: PanMsReader,
        scene: PairScene,
        segmenter: PairSegmenter,
        options: MapOptions | None = None,
        grid: Grid = "pan",
    ) -> None:
        self.reader = reader
        self.scene = scene
        self.segmenter = segmenter
        self.options = options or MapOptions()
        self.is_fine = grid == "pan"
        self.grid = reader.pan_grid if self.is_fine else reader.grid
        self.options.outputs.check(reader.path, self.grid)
        self.memory = PairMemory.make(
            reader,
            scene.model.config.width,
            self.options.max_memory,
            self.options.has_patches,
            scene.tile,
        )
        self._tiles = scene.tiles()

    @property
    def num_windows(self) -> int:
        """See ``Mapper``; tiles."""
        return len(self._tiles)

    @property
    def memory_bytes(self) -> int:
        """See ``Mapper``."""
        return self.memory.total

    @cached_property
    def plan(self) -> MapPlan:
        """See ``Mapper``."""
        reader = self.reader
        names = self.segmenter.class_names[self.segmenter.has_background :]
        rasters = {"MS": reader.ms_source, "PAN": reader.pan_source}
        scale = reader.ratio if self.is_fine else 1
        rows = (*range(0, reader.grid.height, self.scene.tile), reader.grid.height)
        return MapPlan(
            stem=reader.path.stem,
            sources=[describe_files(source) for source in rasters.values()],
            grid=self.grid,
            class_names=names,
            layers=LAYERS,
            scores=(0,) * len(names),
            colours=tuple(choose_colours(names, self.segmenter.colours)),
            settings={
                "bands": list(reader.bands),
                "nodata": reader.nodata,
                "tile": self.scene.tile,
            },
            bounds=tuple(scale * row for row in rows),
            tags={**describe_origin(rasters, reader.retry), **self.options.tags},
            vectors=self.options.vectors,
            preview=self.options.preview,
            outputs=self.options.outputs,
            strip_pixels=self.memory.strip_pixels,
            outlines=tuple(scale_outlines(self.segmenter.outlines, (scale, scale))),
            notes=self.options.notes,
        )

    def make_sections(self, run: tuple[int, int]) -> Sections:
        """See ``Mapper``."""
        side = self.scene.tile
        wanted = [tile for tile in self._tiles if run[0] <= tile.row // side < run[1]]
        across = len(wanted) // (run[1] - run[0])
        with limit_cache(self.memory.cache_bytes), closing(self.scene.load(wanted)) as tiles:
            for section in range(*run):
                row = [self.classify(tile) for tile in islice(tiles, across)]
                yield section, iter([np.concatenate(row, axis=2)])

    def read_overview(self) -> npt.NDArray[np.float32]:
        """See ``Mapper``; the colour of one raster with the detail of the other."""
        with limit_cache(self.memory.cache_bytes):
            ms, pan, valid = self.reader.read_overview(LONGEST)
        red_green_blue = np.stack([_stretch(band, valid) for band in ms[2::-1]])
        detail = _stretch(pan, valid) - red_green_blue.mean(axis=0)
        image: npt.NDArray[np.float32] = np.clip(red_green_blue + detail, 0, 1).astype(np.float32)
        return np.where(valid, image, np.float32(0))

    def time_window(self) -> float:
        """See ``Mapper``; reading and describing run in parallel, so the slower one counts."""
        apart = self._tiles[:: max(1, len(self._tiles) // (TIMED_TILES + 1))]
        with limit_cache(self.memory.cache_bytes):
            self.classify(self.scene.load_tile(apart[0]))  # warm-up
            return statistics.median(map(self._time_tile, apart[1:] or apart))

    def _time_tile(self, window: Window) -> float:
        started = time.perf_counter()
        tile = self.scene.load_tile(window)
        read = time.perf_counter()
        self.classify(tile)
        return max(read - started, time.perf_counter() - read)

    def close(self) -> None:
        """See ``Mapper``."""
        self.reader.close()

    def classify(self, tile: PairTile) -> Planes:
        """Classes, confidence and margin of a tile, in output form.

        On the panchromatic grid, each superpixel gets its most frequent class and its mean
        confidence and margin.
        """
        valid = tile.valid
        if valid.any():
            scores = self.segmenter(self.scene.describe(tile))
            known = torch.from_numpy(valid).to(scores.device)
            check_scores(scores[:, known], [tile.window])
            best = scores.topk(2, dim=0)
            first, second = best.values.cpu().numpy()
            classes = best.indices[0].cpu().numpy() + (not self.segmenter.has_background)
        else:
            first = second = np.zeros(valid.shape, np.float32)
            classes = np.zeros(valid.shape, np.int64)
        layers = [first, first - second]
        if self.is_fine:
            ratio = self.scene.source.ratio
            block = np.ones((ratio, ratio), np.int64)
            top, left, height, width = (ratio * side for side in tile.inside)
            regions = tile.regions.numpy()[top : top + height, left : left + width]
            valid, classes = np.kron(valid, block).astype(bool), np.kron(classes, block)
            shares = [np.kron(layer, block) for layer in layers]
            classes, layers = vote(classes, shares, regions, valid)
        planes = np.stack([classes.astype(np.uint8), *map(quantise, layers)])
        planes[:, ~valid] = NODATA
        return planes


def vote(
    classes: npt.NDArray[np.int64],
    layers: list[npt.NDArray[np.float64]],
    regions: npt.NDArray[np.int32],
    valid: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.int64], list[npt.NDArray[np.float64]]]:
    """Give each region its most frequent class and its mean layers, all (H, W).

    Args:
        classes: classes from 0.
        layers: layers to average.
        regions: regions from 0.
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


def _stretch(
    band: npt.NDArray[np.float32], valid: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    """Scale a band (H, W) to [0, 1] by its valid pixels, if there are any."""
    low, high = find_limits(band[valid]) if valid.any() else (0, 1)
    return np.nan_to_num(stretch(band, float(low), float(high)))
