"""Probabilities of the classes in a core, and how they travel to the page."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fewscape.models.pixel import PixelModel
from fewscape.serve.features import MARGIN, Core
from fewscape.serve.learning import Learnt

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Painted:
    """A part of the map."""

    revision: int
    """Of the examples that taught it."""
    channels: tuple[str, ...]
    """The classes, ``background`` first if it is among them."""
    step: int
    """Cells from one to the next."""
    shares: Bytes
    """(C, h, w) probabilities times 255; all 0 where nothing is valid."""

    def pack(self) -> bytes:
        """Channels, rows, columns and step (uint32, little end first), then the shares."""
        return struct.pack("<4I", *self.shares.shape, self.step) + self.shares.tobytes()


@torch.inference_mode()
def paint(
    model: PixelModel[Any], learnt: Learnt, core: Core, step: int = 1, temperature: float = 1.0
) -> Painted:
    """The map of a core.

    Args:
        model: which learnt.
        learnt: what it learnt.
        core: its features.
        step: cells from one to the next; ``MARGIN`` is a multiple of it.
        temperature: of the log probabilities.
    """
    height, width = core.guide[::step, ::step].shape
    logs = model.predict_cells(core.all_cells(learnt.ground, step), learnt.support)
    scores = torch.from_numpy(logs).T.reshape(1, -1, height, width)
    guide = torch.from_numpy(np.ascontiguousarray(core.guide[::step, ::step]))[None, None]
    scores = model.smooth(scores, guide, learnt.support, learnt.ground, step)
    shares = torch.softmax(scores / temperature, dim=1)[0]
    edge = MARGIN // step
    rows, cols = (-(-side // step) for side in core.valid.shape)
    inner = shares[:, edge : edge + rows, edge : edge + cols]
    parts = (inner * 255).round().to(torch.uint8).numpy()
    parts = parts * core.valid[::step, ::step]  # an invalid cell is 0 everywhere
    return Painted(learnt.revision, learnt.channels, step, np.ascontiguousarray(parts))
