"""Features of a scene's cores, computed once and kept: in memory, and on the disk within a limit.

Nothing of them depends on the examples, so that a new example costs learning and prediction only.
They are kept in 16 bits, in units of each core's own mean and deviation.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fewscape.core import Window
from fewscape.mapping.examples.drawn_cells import (
    core_side,
    encode_core,
    find_colours,
    sample_ground,
)
from fewscape.models.experts import Scaling
from fewscape.models.pixel import Ground, PixelModel
from fewscape.raster import SceneReader

MARGIN = 16
"""Cells around a core that take part in smoothing. Of cells of two pixels as many as the coarsest
level of the network has pixels, so that it sees the ground as it does for the map."""

MEMORY_BYTES = 1_500_000_000
"""Of features that are kept at hand."""

DISK_BYTES = 6_000_000_000
"""Of features on the disk, all scenes together; the oldest go first."""

log = logging.getLogger(__name__)

Values = npt.NDArray[np.float32]
Chosen = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Core:
    """The features of one window of cells and of a margin around it."""

    values: npt.NDArray[np.float16]
    """(h + 2 MARGIN, w + 2 MARGIN, D), scaled by ``own``."""
    own: Scaling
    """Of this core."""
    guide: Values
    """(h + 2 MARGIN, w + 2 MARGIN) brightness."""
    valid: Chosen
    """(h, w) cells with a valid pixel in the scene."""

    @property
    def num_bytes(self) -> int:
        """In memory."""
        return self.values.nbytes + self.guide.nbytes

    def some_cells(self, rows: slice, ground: Ground, step: int = 1) -> Values:
        """(h, w, D) scaled features of every ``step``-th cell of some rows, with the margin."""
        return self._scale(self.values[rows][::step, ::step], ground)

    def pick(self, chosen: Chosen, ground: Ground) -> Values:
        """(N, D) scaled features of the chosen cells (h, w) of the core."""
        return self._scale(self.values[MARGIN:-MARGIN, MARGIN:-MARGIN][chosen], ground)

    def _scale(self, values: npt.NDArray[np.float16], ground: Ground) -> Values:
        """From the units of the core to those of the scene, as ``Scaling.apply`` gives them."""
        offset = ground.scaling.apply(self.own.mean[None])[0]
        factor = ground.scaling.apply((self.own.mean + self.own.deviation)[None])[0] - offset
        # PyTorch reads 16 bits several times as fast as NumPy.
        scaled = torch.from_numpy(np.ascontiguousarray(values)).float()
        told: Values = scaled.mul_(torch.from_numpy(factor)).add_(torch.from_numpy(offset)).numpy()
        return told


class FeatureStore:
    """Cores of one scene and one model.

    Args:
        scene: where the images come from.
        model: which encodes them.
        folder: of the disk cache of this scene, model and choice of bands; None for none.
        memory: bytes that are kept at hand, at least one core.
        disk: bytes on the disk.
    """

    def __init__(
        self,
        scene: SceneReader,
        model: PixelModel[Any],
        folder: Path | None = None,
        memory: int = MEMORY_BYTES,
        disk: int = DISK_BYTES,
    ) -> None:
        self.scene = scene
        self.model = model
        self.folder = folder
        self.memory = memory
        self.disk = disk
        self.side = core_side(scene, model)
        """Of the cores, in pixels."""
        self._kept: OrderedDict[tuple[int, int], Core] = OrderedDict()
        self._lock = threading.Lock()
        self._encoding = threading.Lock()

    @property
    def places(self) -> list[tuple[int, int]]:
        """Row and column of every core, in units of cores."""
        rows, cols = self.size
        return [(row, col) for row in range(rows) for col in range(cols)]

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of cores."""
        return -(-self.scene.height // self.side), -(-self.scene.width // self.side)

    @cached_property
    def sampled(self) -> tuple[Values, Ground]:
        """What the scene as a whole is like, see ``sample_ground``; measured once."""
        stored = self._path("ground", ".npz")
        if stored is not None and stored.exists():
            try:
                return _read_ground(stored)
            except (OSError, ValueError, KeyError):
                stored.unlink(missing_ok=True)  # half written by a process that was killed
        sample, ground = sample_ground(self.scene, self.model, self._encode_window)
        if stored is not None:
            _write_ground(stored, sample, ground)
        return sample, ground

    @property
    def is_measured(self) -> bool:
        """Whether ``sampled`` is known."""
        return "sampled" in self.__dict__

    @property
    def ground(self) -> Ground:
        """Of the scene."""
        return self.sampled[1]

    def window(self, place: tuple[int, int]) -> Window:
        """The pixels of a core; may pass the scene's lower and right edge."""
        return Window(place[0] * self.side, place[1] * self.side, self.side, self.side)

    def has(self, place: tuple[int, int]) -> bool:
        """Whether a core is at hand or on the disk."""
        with self._lock:
            if place in self._kept:
                return True
        path = self._path(_name(place), ".npz")
        return path is not None and path.exists()

    def get(self, place: tuple[int, int]) -> Core:
        """A core, encoded now if it never was.

        Raises:
            SceneError: the scene is damaged or cannot be reached.
        """
        with self._lock:
            if place in self._kept:
                self._kept.move_to_end(place)
                return self._kept[place]
        path = self._path(_name(place), ".npz")
        core = None if path is None else _read_core(path)
        if core is None:
            with self._encoding:
                core = self.encode(place)
            if path is not None:
                _write_core(path, core)
                _trim(path.parents[1], self.disk)
        with self._lock:
            self._kept[place] = core
            total = sum(one.num_bytes for one in self._kept.values())
            while total > self.memory and len(self._kept) > 1:
                total -= self._kept.popitem(last=False)[1].num_bytes
        return core

    def encode(self, place: tuple[int, int]) -> Core:
        """A core by the model.

        Raises:
            SceneError: see ``get``.
        """
        stride = self.model.stride
        row, col, height, width = self.window(place)
        margin = MARGIN * stride
        wide = Window(row - margin, col - margin, height + 2 * margin, width + 2 * margin)
        features, valid = encode_core(self.scene, self.model, wide)
        image, _ = self.scene.read(wide)
        guide = self.model.guide(torch.from_numpy(image)[None], find_colours(self.scene))[0, 0]
        values = features.transpose(1, 2, 0)
        flat = values.reshape(-1, values.shape[2])
        own = Scaling(flat.mean(axis=0), np.maximum(flat.std(axis=0), 1e-6).astype(np.float32))
        short = ((values - own.mean) / own.deviation).astype(np.float16)
        return Core(short, own, guide.numpy(), valid[MARGIN:-MARGIN, MARGIN:-MARGIN])

    def _encode_window(self, window: Window) -> tuple[Values, Chosen]:
        """See ``encode_core``: of one of the cores, so that it is kept."""
        core = self.get((window.row // self.side, window.col // self.side))
        inner = core.values[MARGIN:-MARGIN, MARGIN:-MARGIN].astype(np.float32)
        values: Values = (inner * core.own.deviation + core.own.mean).transpose(2, 0, 1)
        return values, core.valid

    def _path(self, name: str, suffix: str) -> Path | None:
        return None if self.folder is None else self.folder / f"{name}{suffix}"


def _name(place: tuple[int, int]) -> str:
    return f"core_{place[0]}_{place[1]}"


def _write(path: Path, **arrays: npt.NDArray[Any]) -> None:
    """All at once; a cache that cannot be written is no cache, and nothing is lost."""
    new = path.with_name(f".{path.stem}-{os.getpid()}-{threading.get_ident()}.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(new, allow_pickle=False, **arrays)
        new.replace(path)
    except OSError as error:
        log.info("features are not kept: %s", error)
        with suppress(OSError):
            new.unlink()


def _write_core(path: Path, core: Core) -> None:
    _write(
        path,
        values=core.values,
        mean=core.own.mean,
        deviation=core.own.deviation,
        guide=core.guide,
        valid=core.valid,
    )


def _read_core(path: Path) -> Core | None:
    try:
        with np.load(path, allow_pickle=False) as told:
            own = Scaling(told["mean"], told["deviation"])
            core = Core(told["values"], own, told["guide"], told["valid"])
        os.utime(path, (time.time(), time.time()))
    except (OSError, ValueError, KeyError, EOFError):
        return None
    return core


def _write_ground(path: Path, sample: Values, ground: Ground) -> None:
    _write(
        path,
        sample=sample,
        scaling=np.stack([ground.scaling.mean, ground.scaling.deviation]),
        bands=np.stack([ground.bands.mean, ground.bands.deviation]),
        colours=np.array(ground.red_green_blue),
    )


def _read_ground(path: Path) -> tuple[Values, Ground]:
    with np.load(path, allow_pickle=False) as told:
        red, green, blue = told["colours"].tolist()
        ground = Ground(Scaling(*told["scaling"]), Scaling(*told["bands"]), (red, green, blue))
        return told["sample"], ground


def _trim(root: Path, most: int) -> None:
    """Delete what was not used for longest, of all scenes."""
    found = []
    for path in root.glob("*/core_*.npz"):
        try:
            state = path.stat()
        except OSError:
            continue  # another session deleted it
        found.append((state.st_mtime, state.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= most:
            break
        path.unlink(missing_ok=True)
        total -= size
