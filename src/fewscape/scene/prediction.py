"""Blended probabilities of a scene, while other threads read and cut what comes next."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch

from fewscape.core import SceneError, Window
from fewscape.raster import SceneReader, plan_windows
from fewscape.regions import MakeRegions
from fewscape.scene.blending import BlendingBand, Strip
from fewscape.scene.segmenter import Segmenter, to_bytes

READ_AHEAD = 2
"""Batches that wait for the network."""

REGION_THREADS = 4


@dataclass(frozen=True, slots=True)
class _Batch:
    """Windows with something to see, read and cut into regions."""

    windows: list[Window]
    images: torch.Tensor
    regions: torch.Tensor | None
    valid: list[npt.NDArray[np.bool_]]


def predict_strips(
    scene: SceneReader, segmenter: Segmenter, overlap: float = 0.25, batch_size: int = 8
) -> Iterator[Strip]:
    """Blended probabilities of a scene, strip by strip from the top.

    Args:
        scene: where the windows come from.
        segmenter: the network.
        overlap: share of a window's side that neighbours have in common; at least one cell, so
            that enlarging never meets a cell without a score.
        batch_size: windows that pass the network together.

    Raises:
        SceneError: the scene is damaged or has no valid pixel.
    """
    stride, side = segmenter.stride, segmenter.window
    shared = min(max(round(overlap * side), 2 * segmenter.halo, stride), side - stride)
    grid = plan_windows(scene.height, scene.width, side, shared, stride)
    windows = iter(grid)
    batches = iter(lambda: list(islice(windows, batch_size)), [])
    band: BlendingBand | None = None
    for batch in _read_ahead(scene, batches, segmenter.make_regions):
        if not batch.windows:
            continue
        probabilities = segmenter(batch.images, batch.regions)
        if band is None:
            maps, device = probabilities.shape[1], probabilities.device
            band = BlendingBand(grid, maps, stride, segmenter.halo, device)
        for window, scores, valid in zip(batch.windows, probabilities, batch.valid, strict=True):
            yield from band.advance(window.row)
            band.add(window, scores, valid)
    if band is None:
        raise SceneError(
            f"the scene '{scene.path}' has no valid pixel", "", "check its nodata value"
        )
    yield from band.finish()


def _read_ahead(
    scene: SceneReader, batches: Iterator[Sequence[Window]], make_regions: MakeRegions | None
) -> Iterator[_Batch]:
    """Batches in order, read by another thread while the network works."""
    with ThreadPoolExecutor(1) as reading, ThreadPoolExecutor(REGION_THREADS) as cutting:

        def load(windows: Sequence[Window]) -> _Batch:
            return _load(scene, windows, make_regions, cutting)

        waiting = deque(reading.submit(load, batch) for batch in islice(batches, READ_AHEAD))
        while waiting:
            ready = waiting.popleft().result()
            waiting.extend(reading.submit(load, batch) for batch in islice(batches, 1))
            yield ready


def _load(
    scene: SceneReader,
    windows: Sequence[Window],
    make_regions: MakeRegions | None,
    pool: ThreadPoolExecutor,
) -> _Batch:
    parts = [(window, *scene.read(window)) for window in windows]
    seen = [part for part in parts if part[2].any()]
    images = [image for _, image, _ in seen]
    regions = None
    if make_regions is not None and seen:
        maps = pool.map(make_regions, map(to_bytes, images))
        regions = torch.from_numpy(np.stack(list(maps)))
    return _Batch(
        [window for window, _, _ in seen],
        torch.from_numpy(np.stack(images)) if images else torch.empty(0),
        regions,
        [valid for _, _, valid in seen],
    )
