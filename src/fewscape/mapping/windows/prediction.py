"""Predict and blend a scene, while other threads read and segment the next windows."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch

from fewscape.core import SceneError, Window
from fewscape.mapping.engine.segmenter import Segmenter, to_bytes
from fewscape.mapping.windows.blending import CHUNK_PIXELS, BlendingBand, Strip
from fewscape.raster import SceneReader, WindowGrid, plan_windows
from fewscape.regions import MakeRegions

READ_AHEAD = 2
"""Batches in the queue of the network."""

REGION_THREADS = 4


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows with valid pixels, read and segmented into regions."""

    windows: list[Window]
    images: torch.Tensor
    regions: torch.Tensor | None
    valid: list[npt.NDArray[np.bool_]]


def plan_scene(scene: SceneReader, segmenter: Segmenter, overlap: float = 0.25) -> WindowGrid:
    """Plan the windows of a scene.

    Args:
        scene: the scene.
        segmenter: the segmenter, for its window, stride and halo.
        overlap: overlap of neighbouring windows as a share of their side; at least one cell, so
            that upsampling never meets a cell without a score.
    """
    stride, side = segmenter.stride, segmenter.window
    shared = min(max(round(overlap * side), 2 * segmenter.halo, stride), side - stride)
    return plan_windows(scene.height, scene.width, side, shared, stride)


def predict_strips(
    scene: SceneReader,
    segmenter: Segmenter,
    overlap: float = 0.25,
    batch_size: int = 8,
    sections: tuple[int, int] | None = None,
    chunk_pixels: int = CHUNK_PIXELS,
) -> Generator[Strip, None, None]:
    """Predict blended probabilities of a scene, strip by strip from the top.

    Batches do not depend on where the work begins, so the parts of a scene, each predicted alone,
    equal those of the whole to the last bit.

    Args:
        scene: the scene.
        segmenter: the segmenter.
        overlap: see ``plan_scene``.
        batch_size: windows per batch.
        sections: first section and end (exclusive), see ``WindowGrid.bounds``; all if not given.
        chunk_pixels: approximate size of a strip, see ``BlendingBand``.

    Raises:
        SceneError: the scene is damaged or has no valid pixel, or the network outputs NaN.
    """
    grid = plan_scene(scene, segmenter, overlap)
    wanted = sections or (0, len(grid.rows))
    maps = len(segmenter.class_names) + len(segmenter.layer_names)

    def start_band(device: torch.device | None = None) -> BlendingBand:
        stride, halo = segmenter.stride, segmenter.halo
        return BlendingBand(grid, maps, stride, halo, device, wanted, chunk_pixels)

    band: BlendingBand | None = None
    for batch in _read_ahead(scene, _plan_batches(grid, wanted, batch_size), segmenter):
        if not batch.windows:
            continue
        probabilities = segmenter(batch.images, batch.regions)
        check_scores(probabilities, batch.windows)
        band = band or start_band(probabilities.device)
        for window, scores, valid in zip(batch.windows, probabilities, batch.valid, strict=True):
            if window.row in band.origins:
                yield from band.advance(window.row)
                band.add(window, scores, valid)
    yield from (band or start_band()).finish()


def check_scores(scores: torch.Tensor, windows: Sequence[Window]) -> None:
    """Refuse NaN scores.

    Raises:
        SceneError: some scores are NaN, which would silently give an empty map.
    """
    if torch.isfinite(scores).all():
        return
    places = ", ".join(f"row {window.row}, column {window.col}" for window in windows[:3])
    raise SceneError(
        f"the network outputs NaN for windows such as the one at {places}",
        "its weights, the examples or its precision are the cause",
        "try --precision float32 or another model",
    )


def _plan_batches(
    grid: WindowGrid, sections: tuple[int, int], batch_size: int
) -> Iterator[Sequence[Window]]:
    """Plan the batches of windows that the sections need.

    Rows of windows are grouped to about a batch, counted from the top of the scene, and no batch
    spans two groups. A group is processed whole, even if no section needs some of its windows, so
    that every batch is always the same.
    """
    needed = grid.rows_for(*sections)
    together = max(1, batch_size // len(grid.cols))
    for first in range(needed.start // together * together, needed.stop, together):
        group = [
            Window(row, col, grid.window, grid.window)
            for row in grid.rows[first : first + together]
            for col in grid.cols
        ]
        for at in range(0, len(group), batch_size):
            yield group[at : at + batch_size]


def _read_ahead(
    scene: SceneReader, batches: Iterator[Sequence[Window]], segmenter: Segmenter
) -> Iterator[Batch]:
    """Yield batches in order, read by another thread while the network works."""
    with ThreadPoolExecutor(1) as reading, ThreadPoolExecutor(REGION_THREADS) as cutting:

        def load(windows: Sequence[Window]) -> Batch:
            return load_batch(scene, windows, segmenter.make_regions, cutting)

        waiting = deque(reading.submit(load, batch) for batch in islice(batches, READ_AHEAD))
        while waiting:
            ready = waiting.popleft().result()
            waiting.extend(reading.submit(load, batch) for batch in islice(batches, 1))
            yield ready


def load_batch(
    scene: SceneReader,
    windows: Sequence[Window],
    make_regions: MakeRegions | None,
    pool: ThreadPoolExecutor | None = None,
) -> Batch:
    """Read windows and segment them into regions; skip windows without a valid pixel.

    Args:
        scene: the scene.
        windows: windows of one batch.
        make_regions: over-segmentation that the network needs, or None.
        pool: threads for the over-segmentation.
    """
    parts = [(window, *scene.read(window)) for window in windows]
    seen = [part for part in parts if part[2].any()]
    images = [image for _, image, _ in seen]
    regions = None
    if make_regions is not None and seen:
        cut = map if pool is None else pool.map
        maps = cut(make_regions, map(to_bytes, images))
        regions = torch.from_numpy(np.stack(list(maps)))
    return Batch(
        [window for window, _, _ in seen],
        torch.from_numpy(np.stack(images)) if images else torch.empty(0),
        regions,
        [valid for _, _, valid in seen],
    )
