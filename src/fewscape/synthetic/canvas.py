"""The sheet that a scene is painted on: colour, class and height of every pixel.

Objects paint their height instead of their shading; the light then falls on all of them alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fewscape.synthetic.palette import Colour
from fewscape.synthetic.spec import Cover
from fewscape.synthetic.textures import Array, Mask, Noise


class Pose(NamedTuple):
    """A place in metres from the upper left corner and the unit vector of the object's length."""

    x: float
    y: float
    along_x: float
    along_y: float

    def shift(self, along: float, across: float) -> Pose:
        """The pose moved along and across its own axis, in metres."""
        return self._replace(
            x=self.x + along * self.along_x - across * self.along_y,
            y=self.y + along * self.along_y + across * self.along_x,
        )

    def turn(self) -> Pose:
        """The pose turned by a quarter."""
        return self._replace(along_x=-self.along_y, along_y=self.along_x)

    def rotate(self, slope: float) -> Pose:
        """The pose turned by the angle whose tangent is ``slope``."""
        along_x = self.along_x - slope * self.along_y
        along_y = self.along_y + slope * self.along_x
        length = math.sqrt(along_x * along_x + along_y * along_y)
        return self._replace(along_x=along_x / length, along_y=along_y / length)


@dataclass(frozen=True, slots=True)
class Patch:
    """The pixels around an object, in the object's own coordinates."""

    rows: slice
    cols: slice
    u: Array
    """(h, w) metres along the object."""
    v: Array
    """(h, w) metres across the object."""
    inside: Mask
    """(h, w) whether the pixel belongs to the object's rectangle."""

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to cut the patch out of a map."""
        return self.rows, self.cols


class Canvas:
    """Colour (4, H, W), labels (H, W), height in metres (H, W) and what is built upon (H, W)."""

    def __init__(self, size: tuple[int, int], resolution: float, noise: Noise) -> None:
        self.size = size
        self.resolution = resolution
        self.noise = noise
        self.colour: Array = np.zeros((4, *size), dtype=np.float32)
        self.labels = np.zeros(size, dtype=np.uint8)
        self.height: Array = np.zeros(size, dtype=np.float32)
        self.taken: Mask = np.zeros(size, dtype=np.bool_)

    def patch(self, pose: Pose, half_u: float, half_v: float) -> Patch | None:
        """The rectangle of these half sizes in metres; None outside the scene."""
        reach_x = abs(pose.along_x) * half_u + abs(pose.along_y) * half_v
        reach_y = abs(pose.along_y) * half_u + abs(pose.along_x) * half_v
        rows = self._span(pose.y, reach_y, self.size[0])
        cols = self._span(pose.x, reach_x, self.size[1])
        if rows.start >= rows.stop or cols.start >= cols.stop:
            return None
        y = _centres(rows, self.resolution, pose.y)[:, None]
        x = _centres(cols, self.resolution, pose.x)
        u = x * np.float32(pose.along_x) + y * np.float32(pose.along_y)
        v = y * np.float32(pose.along_x) - x * np.float32(pose.along_y)
        return Patch(rows, cols, u, v, (np.abs(u) <= half_u) & (np.abs(v) <= half_v))

    def claim(self, pose: Pose, half_u: float, half_v: float, margin: float) -> Patch | None:
        """The rectangle, kept from others with a margin; None if any of it is taken."""
        wide = self.patch(pose, half_u + margin, half_v + margin)
        if wide is None or bool(np.any(self.taken[wide.slices] & wide.inside)):
            return None
        self.taken[wide.slices] |= wide.inside
        return self.patch(pose, half_u, half_v)

    def occupy(self, pose: Pose, half_u: float, half_v: float) -> Patch | None:
        """The rectangle, kept from others, whatever stood there before."""
        patch = self.patch(pose, half_u, half_v)
        if patch is not None:
            self.taken[patch.slices] |= patch.inside
        return patch

    def paint(
        self,
        patch: Patch,
        mask: Mask,
        colour: Colour | Array,
        label: Cover | None = None,
        height: float | Array | None = None,
        grain: float = 0.04,
    ) -> None:
        """Paint the masked pixels.

        Args:
            patch: where.
            mask: (h, w) which pixels.
            colour: (4,) or (4, h, w).
            label: the class to write; None keeps it.
            height: metres above the ground to write; None keeps it.
            grain: strength of the fine texture.
        """
        shaded = colour[:, None, None] if colour.ndim == 1 else colour
        texture = self.noise.fine[patch.slices] + self.noise.grain[patch.slices]
        shaded = shaded * (1 + np.float32(grain) * texture)
        np.copyto(self.colour[:, patch.rows, patch.cols], shaded, where=mask)
        if label is not None:
            self.labels[patch.slices][mask] = label
        if height is not None:
            np.copyto(self.height[patch.slices], np.float32(height), where=mask)

    def is_free(self, x: float, y: float) -> bool:
        """Whether the pixel at this place in metres is inside the scene and not built upon."""
        row, col = int(y // self.resolution), int(x // self.resolution)
        inside = 0 <= row < self.size[0] and 0 <= col < self.size[1]
        return inside and not self.taken[row, col]

    def label_at(self, x: float, y: float) -> int:
        """The class at this place in metres; -1 outside the scene."""
        row, col = int(y // self.resolution), int(x // self.resolution)
        if 0 <= row < self.size[0] and 0 <= col < self.size[1]:
            return int(self.labels[row, col])
        return -1

    def _span(self, centre: float, reach: float, length: int) -> slice:
        start = math.floor((centre - reach) / self.resolution)
        stop = math.ceil((centre + reach) / self.resolution)
        return slice(max(0, start), min(length, stop))


def _centres(span: slice, resolution: float, origin: float) -> Array:
    pixels = np.arange(span.start, span.stop, dtype=np.float64) + 0.5
    return (pixels * resolution - origin).astype(np.float32)
