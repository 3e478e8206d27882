"""Map one scene with a segmenter, from overlapping, blended windows."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from fewscape.core import ConfigError, Window
from fewscape.mapping.engine.segmenter import Segmenter
from fewscape.mapping.mapper import MapOptions, Sections, describe_origin
from fewscape.mapping.output.preview import LONGEST
from fewscape.mapping.plan import LayerPlan, MapPlan, Planes, make_slugs
from fewscape.mapping.windows.blending import Strip
from fewscape.mapping.windows.memory import MemoryPlan
from fewscape.mapping.windows.prediction import load_batch, plan_scene, predict_strips
from fewscape.raster import NODATA, SceneReader, choose_colours
from fewscape.raster.opening.source_files import describe_files
from fewscape.raster.writing.writer import PROBABILITY_STEPS

TIMED_BATCHES = 5
"""Number of windows timed to estimate the cost."""


class SceneMapper:
    """The ``Mapper`` of a scene.

    Windows without a valid pixel are skipped, invalid pixels get 255. A scene smaller than a
    window is reflected up to one window.

    Args:
        scene: the scene.
        segmenter: the segmenter.
        options: see ``MapOptions``.

    Raises:
        ConfigError: the overlap is invalid, the memory limit is too low, or the requested output
            cannot be made.
        SceneError: a STAC item was requested and the scene has no CRS.
    """

    def __init__(
        self, scene: SceneReader, segmenter: Segmenter, options: MapOptions | None = None
    ) -> None:
        self.scene = scene
        self.segmenter = segmenter
        self.options = options or MapOptions()
        self.options.outputs.check(scene.path, scene.grid)
        if not 0 <= self.options.overlap < 1:
            raise ConfigError(
                f"an overlap of {self.options.overlap} was given",
                "it is a share of the window, at least 0 and less than 1",
                "use 0.25",
            )
        self.windows = plan_scene(scene, segmenter, self.options.overlap)
        self.memory = MemoryPlan.make(
            scene,
            segmenter,
            self.windows,
            self.options.batch_size,
            self.options.max_memory,
            self.options.has_patches,
        )

    @property
    def num_windows(self) -> int:
        """See ``Mapper``."""
        return len(self.windows)

    @property
    def memory_bytes(self) -> int:
        """See ``Mapper``."""
        return self.memory.total

    @cached_property
    def plan(self) -> MapPlan:
        """See ``Mapper``."""
        scene, names = self.scene, tuple(self.segmenter.class_names)
        drawings = self.options.drawings
        with scene.set_cache(self.segmenter.window, self.memory.cache_bytes):
            _ = scene.limits  # reads the whole scene once; raises if it is empty
        origin = describe_origin(scene.rasters, scene.retry)
        return MapPlan(
            stem=scene.path.stem,
            sources=[describe_files(source) for source in scene.rasters.values()],
            grid=scene.grid,
            class_names=names,
            layers=plan_layers(names, self.segmenter.layer_names),
            scores=tuple(range(len(names))),
            colours=tuple(self.segmenter.colours or choose_colours(names)),
            settings={
                "bands": list(scene.bands),
                "scale": scene.scale.value,
                "nodata": scene.nodata,
                "window": self.segmenter.window,
                "stride": self.segmenter.stride,
                "halo": self.segmenter.halo,
                "columns": list(self.windows.cols),
                "threshold": self.segmenter.threshold,
                "batch_size": self.memory.batch_size,  # may affect the last bit
            },
            bounds=self.windows.bounds,
            tags={**origin, "BATCH_SIZE": str(self.memory.batch_size), **self.options.tags},
            vectors=self.options.vectors,
            preview=self.options.preview,
            outputs=self.options.outputs,
            strip_pixels=self.memory.strip_pixels,
            outlines=() if drawings is None else drawings.show_on(scene),
            notes=self.options.notes,
        )

    def make_sections(self, run: tuple[int, int]) -> Sections:
        """See ``Mapper``."""
        cache = self.scene.set_cache(self.segmenter.window, self.memory.cache_bytes)
        predicted = predict_strips(
            self.scene,
            self.segmenter,
            self.options.overlap,
            self.memory.batch_size,
            run,
            self.memory.chunk_pixels,
        )
        with cache, closing(predicted) as strips:  # stop reading, even after an error
            parts = cut_sections(self._decide_all(strips), self.windows.bounds, run)
            for section in range(*run):
                yield section, next(parts)

    def read_overview(self) -> npt.NDArray[np.float32]:
        """See ``Mapper``."""
        with self.scene.set_cache(self.segmenter.window, self.memory.cache_bytes):
            return self.scene.read_overview(LONGEST)[0]

    def time_window(self) -> float:
        """See ``Mapper``; reading and predicting run in parallel, so the slower one counts."""
        windows, size = list(self.windows), self.memory.batch_size
        middle = windows[len(windows) // 2 :][: TIMED_BATCHES * size] or windows
        batches = [middle[at : at + size] for at in range(0, len(middle), size)]
        with self.scene.set_cache(self.segmenter.window, self.memory.cache_bytes):
            _ = self.scene.limits
            self._time_batch(batches[0])  # warm-up
            return statistics.median(self._time_batch(batch) / len(batch) for batch in batches)

    def close(self) -> None:
        """See ``Mapper``."""
        self.scene.close()

    def _time_batch(self, windows: Sequence[Window]) -> float:
        started = time.perf_counter()
        batch = load_batch(self.scene, windows, self.segmenter.make_regions)
        read = time.perf_counter()
        if batch.windows:
            self.segmenter(batch.images, batch.regions).cpu()
        return max(read - started, time.perf_counter() - read)

    def _decide_all(self, strips: Iterator[Strip]) -> Iterator[tuple[int, Planes]]:
        num_classes = len(self.segmenter.class_names)
        for strip in strips:
            row, planes = strip.row, decide(strip, num_classes, self.segmenter.threshold)
            del strip  # free it before the next one is made
            yield row, planes


def plan_layers(class_names: Sequence[str], layer_names: Sequence[str]) -> tuple[LayerPlan, ...]:
    """The probability layer of each class, then the network's own layers.

    Examples:
        >>> [layer.ending for layer in plan_layers(["flat roof"], ["heat"])]
        ['flat_roof_prob', 'heat']
    """
    probabilities = [
        LayerPlan(f"{slug}_prob", f"probability of {name}")
        for slug, name in zip(make_slugs(class_names), class_names, strict=True)
    ]
    slugs = make_slugs(layer_names)
    return (*probabilities, *map(LayerPlan, slugs, layer_names))


def cut_sections(
    strips: Iterator[tuple[int, Planes]], bounds: tuple[int, ...], run: tuple[int, int]
) -> Iterator[Iterator[Planes]]:
    """Cut strips at the bounds of sections; consume each section before the next.

    Args:
        strips: first row and planes (P, rows, W), without gaps from the first section on.
        bounds: first row of each section, and the height.
        run: first section and end (exclusive).
    """
    rest: list[tuple[int, Planes]] = []

    def take(until: int) -> Iterator[Planes]:
        reached = -1
        while reached < until:
            row, planes = rest.pop() if rest else next(strips)
            inside = until - row
            reached = row + planes.shape[1]
            yield planes[:, :inside]
            if reached > until:
                rest.append((until, planes[:, inside:]))

    for section in range(*run):
        yield take(bounds[section + 1])


def decide(strip: Strip, num_classes: int, threshold: float | None) -> Planes:
    """Classes and the K + L probabilities and layers in output form, (1 + K + L, rows, W).

    The strip is overwritten: its values become steps of 1 / 254 in place, since it may be large.
    """
    # max is sixteen times faster than argmax on planes
    best, index = strip.probabilities[:num_classes].max(dim=0)
    least = 1 - strip.probabilities[:num_classes].sum(dim=0) if threshold is None else threshold
    chosen = index.to(torch.uint8).add_(1).mul_(best >= least)
    del best, index
    steps = strip.probabilities.mul_(PROBABILITY_STEPS).round_().to(torch.uint8)
    planes: Planes = torch.cat([chosen[None], steps]).cpu().numpy()
    if not strip.valid.all():
        planes[:, ~strip.valid] = NODATA
    return planes
