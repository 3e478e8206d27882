"""Probabilities of the classes in a core, and how they travel to the page."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fewscape.models.pixel import PixelModel
from fewscape.serve.features import MARGIN, Core
from fewscape.serve.learning import Learnt

Bytes = npt.NDArray[np.uint8]

SKETCHED = 4
"""Cells from one to the next of which a sketch knows everything."""

ROWS = 48
"""That are painted at once: few enough that memory is not handed back and forth each time."""


@dataclass(frozen=True, slots=True)
class Painted:
    """A part of the map."""

    revision: int
    """Of the examples that taught it."""
    channels: tuple[str, ...]
    """The classes, ``background`` first if it is among them."""
    step: int
    """Cells from one to the next."""
    is_draft: bool
    """Whether a better one follows."""
    shares: Bytes
    """(C, h, w) probabilities times 255; all 0 where nothing is valid."""

    def pack(self) -> bytes:
        """Channels, rows, columns and step (uint32, little end first), then the shares."""
        return struct.pack("<4I", *self.shares.shape, self.step) + self.shares.tobytes()


@dataclass(frozen=True, slots=True)
class Look:
    """How a part of the map is painted."""

    step: int = 1
    """Cells from one to the next; ``MARGIN`` is a multiple of it."""
    is_sketch: bool = False
    """Whether speed counts more than the last percent."""
    temperature: float = 1.0
    """Of the log probabilities."""


@torch.inference_mode()
def paint(
    model: PixelModel[Any],
    learnt: Learnt,
    core: Core,
    look: Look | None = None,
    is_wanted: Callable[[], bool] = lambda: True,
) -> Painted | None:
    """The map of a core.

    Args:
        model: which learnt.
        learnt: what it learnt.
        core: its features.
        look: see ``Look``.
        is_wanted: asked now and then; nothing is painted if not.
    """
    look = look or Look()
    step = look.step
    height, width = core.guide[::step, ::step].shape
    every = max(1, SKETCHED // step) if look.is_sketch else 1
    parts = []
    for first in range(0, height, ROWS):
        if not is_wanted():
            return None
        values = core.some_cells(slice(first * step, (first + ROWS) * step), learnt.ground, step)
        parts.append(model.sketch_cells(values, learnt.support, every))
    scores = torch.from_numpy(np.concatenate(parts)).T.reshape(1, -1, height, width)
    guide = torch.from_numpy(np.ascontiguousarray(core.guide[::step, ::step]))[None, None]
    scores = model.smooth(scores, guide, learnt.support, learnt.ground, step)
    shares = torch.softmax(scores / look.temperature, dim=1)[0]
    edge = MARGIN // step
    rows, cols = (-(-side // step) for side in core.valid.shape)
    inner = shares[:, edge : edge + rows, edge : edge + cols]
    shown = (inner * 255).round().to(torch.uint8).numpy()
    shown = shown * core.valid[::step, ::step]  # an invalid cell is 0 everywhere
    is_draft = learnt.is_draft or every > 1
    return Painted(learnt.revision, learnt.channels, step, is_draft, np.ascontiguousarray(shown))
