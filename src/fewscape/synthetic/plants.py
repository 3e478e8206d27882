"""Trees, from a store of crowns made once per scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fewscape.synthetic.canvas import Canvas
from fewscape.synthetic.palette import Colour, Palette, vary
from fewscape.synthetic.spec import Cover
from fewscape.synthetic.textures import Array, fractal_noise, value_noise

RADII = (0.8, 1.2, 1.7, 2.2, 2.8, 3.5, 4.3, 5.2)
_SHAPES = 5


@dataclass(frozen=True, slots=True)
class Crown:
    """One tree from above."""

    height: Array
    """(h, h) metres above the ground; 0 outside the crown."""
    texture: Array
    """(h, h) lightness of the leaves around 1."""

    @classmethod
    def grow(cls, rng: np.random.Generator, radius: float, resolution: float) -> Crown:
        """A crown of this radius in metres: a lumpy dome with an uneven rim."""
        half = int(np.ceil(1.35 * radius / resolution)) + 1
        axis = np.arange(-half, half + 1, dtype=np.float32) * np.float32(resolution / radius)
        lumps = fractal_noise(rng, (axis.size, axis.size), max(1.3, 0.8 * radius / resolution), 2)
        leaves = value_noise(rng, lumps.shape, max(1.3, 0.7 / resolution))
        square = axis * axis + (axis * axis)[:, None]
        dome = np.sqrt(np.clip(1 - square * (1 + np.float32(0.4) * lumps), 0, 1))
        lumpy = dome * (1 + np.float32(0.16) * lumps + np.float32(0.10) * leaves)
        height = np.where(dome > 0.15, (0.35 + 0.65 * lumpy) * 1.9 * radius, 0)
        texture = (0.84 + 0.2 * dome) * (1 + np.float32(0.13) * leaves + np.float32(0.1) * lumps)
        return cls(height.astype(np.float32), texture.astype(np.float32))


class Grove:
    """The crowns and leaf colours that a scene's trees are drawn from."""

    def __init__(self, rng: np.random.Generator, palette: Palette, resolution: float) -> None:
        self.crowns = [
            [Crown.grow(rng, radius, resolution) for _ in range(_SHAPES)] for radius in RADII
        ]
        self.tints: list[Colour] = [
            vary(rng, colour, 0.06) for colour in palette.trees for _ in range(4)
        ]

    def plant(
        self,
        canvas: Canvas,
        rng: np.random.Generator,
        x: float,
        y: float,
        radius: float,
        tint: int | None = None,
    ) -> None:
        """Paint a tree; a higher neighbour hides part of it.

        Args:
            canvas: where to.
            rng: chance.
            x: metres from the left of the scene.
            y: metres from its top.
            radius: of the crown, in metres; the nearest of the store is taken.
            tint: which leaf colour; drawn if None.
        """
        size = int(np.argmin([abs(radius - known) for known in RADII]))
        crown = self.crowns[size][int(rng.integers(_SHAPES))]
        colour = self.tints[int(rng.integers(len(self.tints))) if tint is None else tint]
        side = crown.height.shape[0]
        top = int(y / canvas.resolution) - side // 2
        left = int(x / canvas.resolution) - side // 2
        rows = slice(max(top, 0), min(top + side, canvas.size[0]))
        cols = slice(max(left, 0), min(left + side, canvas.size[1]))
        if rows.start >= rows.stop or cols.start >= cols.stop:
            return
        part = (
            slice(rows.start - top, rows.stop - top),
            slice(cols.start - left, cols.stop - left),
        )
        height = crown.height[part]
        ground = canvas.height[rows, cols]
        mask = height > ground
        np.copyto(ground, height, where=mask)
        canvas.labels[rows, cols][mask] = Cover.TREE
        leaves = colour[:, None, None] * crown.texture[part]
        np.copyto(canvas.colour[:, rows, cols], leaves, where=mask)
