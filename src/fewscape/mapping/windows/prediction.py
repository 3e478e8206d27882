"""Blended probabilities of a scene, while other threads read and cut what comes next."""

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
"""Batches that wait for the network."""

REGION_THREADS = 4


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows with something to see, read and cut into regions."""

    windows: list[Window]
    images: torch.Tensor
    regions: torch.Tensor | None
    valid: list[npt.NDArray[np.bool_]]


def plan_scene(scene: SceneReader, segmenter: Segmenter, overlap: float = 0.25) -> WindowGrid:
    """The windows of a scene.

    Args:
        scene: whose size counts.
        segmenter: whose window, stride and halo count.
        overlap: share of a window's side that neighbours have in common; at least one cell, so
            that enlarging never meets a cell without a score.
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
    """Blended probabilities of a scene, strip by strip from the top.

    Batches never depend on where the work begins, so the parts of a scene, each predicted alone,
    are to the last bit those of the whole.

    Args:
        scene: where the windows come from.
        segmenter: the network.
        overlap: see ``plan_scene``.
        batch_size: windows that pass the network together.
        sections: first section and the one behind the last, see ``WindowGrid.bounds``; all if not
            given.
        chunk_pixels: of a strip, about; see ``BlendingBand``.

    Raises:
        SceneError: the scene is damaged or has no valid pixel, or the network gives no numbers.
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
    """See that a network gave numbers.

    Raises:
        SceneError: some scores are none; a map of them would show nothing, without a word.
    """
    if torch.isfinite(scores).all():
        return
    places = ", ".join(f"row {window.row}, column {window.col}" for window in windows[:3])
    raise SceneError(
        f"the network gives no numbers for windows such as that at {places}",
        "its weights, what it learnt of the examples, or its precision are to blame",
        "map with --precision float32, or with another model",
    )


def _plan_batches(
    grid: WindowGrid, sections: tuple[int, int], batch_size: int
) -> Iterator[Sequence[Window]]:
    """Batches of the windows that sections need.

    Rows of windows are taken in groups of about a batch, counted from the top of the scene, and no
    batch reaches over two groups. Windows of a group that no section needs pass along, so that
    every batch is the same whoever asks for it.
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
    """Batches in order, read by another thread while the network works."""
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
    """Read windows and cut them into regions; those without a valid pixel are left out.

    Args:
        scene: where the windows come from.
        windows: of one batch.
        make_regions: over-segmentation that the network wants; None for none.
        pool: threads that cut.
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
