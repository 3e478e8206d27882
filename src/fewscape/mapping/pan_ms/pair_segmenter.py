"""A network for pairs with classes learned from labelled pixels."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from fewscape.core import ConfigError, Policy, Window
from fewscape.datasets.pan_ms import PairScale
from fewscape.mapping.pan_ms.pair_examples import PixelExamples
from fewscape.models.dual_source import (
    AFTER,
    BEFORE,
    DualSource,
    SceneMaps,
    describe_grid,
    learn_prototypes,
)
from fewscape.raster import PairSource, sample_pair
from fewscape.regions import PanRegions, grey_limits

TILE = 256
"""Side of the tiles, multispectral pixels."""

HALO = 32
"""Context around a tile, multispectral pixels: 8 of the window, a superpixel's ``REACH`` and 9 of
the encoder."""


def kept_rows(tile: int) -> int:
    """Rows of tiles whose superpixels are kept: the current one and those within a halo."""
    return 1 + 2 * -(-HALO // tile)


@dataclass(frozen=True, slots=True)
class PairTile:
    """A tile with its halo, as input of the network."""

    window: Window
    """The tile itself, on the multispectral grid."""
    inside: Window
    """The tile within the read window."""
    ms: torch.Tensor
    """(C, h, w) normalised values, 0 where invalid."""
    pan: torch.Tensor
    """(1, ratio * h, ratio * w) likewise."""
    regions: torch.Tensor
    """(ratio * h, ratio * w)."""
    valid: npt.NDArray[np.bool_]
    """(tile height, tile width)."""


class PairScene:
    """Pixel descriptors of a pair, tile by tile; the whole scene is never in memory.

    Args:
        source: the pair.
        model: the network.
        policy: device; the network runs in float32, since ranks of nearly equal scores decide.
        tile: side of the tiles, multispectral pixels; superpixels do not cross tiles.

    Raises:
        ConfigError: the network was built for another ratio or number of bands.
        SceneError: the pair has no valid pixel.
    """

    def __init__(
        self, source: PairSource, model: DualSource, policy: Policy, tile: int = TILE
    ) -> None:
        wanted = model.config.ratio, model.config.bands
        found = source.ratio, source.num_bands
        if wanted != found:
            raise ConfigError(
                f"the network needs a ratio of {wanted[0]} and {wanted[1]} bands",
                f"{source.name} have {found[0]} and {found[1]}",
                "choose another model with --model, or train one on such pairs",
            )
        self.source = source
        self.model = model.to(policy.device).eval()
        self.policy = policy
        self.tile = tile
        sample, valid = sample_pair(source)
        self.scale = PairScale.fit(sample, valid)
        fine = np.kron(valid, np.ones((source.ratio, source.ratio), bool))
        self.regions = PanRegions(source, grey_limits(sample.pan[fine]), tile, kept_rows(tile))

    def tiles(self) -> list[Window]:
        """All tiles, row by row."""
        height, width = self.source.grid.height, self.source.grid.width
        return [
            Window(row, col, min(self.tile, height - row), min(self.tile, width - col))
            for row in range(0, height, self.tile)
            for col in range(0, width, self.tile)
        ]

    def load(self, windows: list[Window]) -> Generator[PairTile, None, None]:
        """Load tiles in order; the next is read and segmented while one is used."""
        with ThreadPoolExecutor(1) as pool:
            waiting = [pool.submit(self.load_tile, window) for window in windows[:2]]
            for following in [*windows[2:], None, None]:
                if not waiting:
                    return
                tile = waiting.pop(0).result()
                if following is not None:
                    waiting.append(pool.submit(self.load_tile, following))
                yield tile

    @torch.inference_mode()
    def describe(self, tile: PairTile) -> torch.Tensor:
        """Descriptors (h, w, D) of a tile's pixels."""
        device = self.policy.device
        maps = self.model.encode(tile.ms.to(device), tile.pan.to(device), tile.regions.to(device))
        row, col, height, width = tile.inside
        rows = slice(row, row + height + BEFORE + AFTER - 1)
        cols = slice(col, col + width + BEFORE + AFTER - 1)
        own = SceneMaps(maps.ms[:, :, rows, cols], maps.pan[:, :, rows, cols], (height, width))
        return describe_grid(self.model, own)

    def load_tile(self, window: Window) -> PairTile:
        """Read one tile with its halo and segment it into superpixels."""
        grid = self.source.grid
        top, left = max(0, window.row - HALO), max(0, window.col - HALO)
        bottom = min(grid.height, window.row + window.height + HALO)
        right = min(grid.width, window.col + window.width + HALO)
        whole = Window(top, left, bottom - top, right - left)
        inside = Window(window.row - top, window.col - left, window.height, window.width)
        pair, valid = self.source.read(whole)
        ms, pan = self.scale.apply(pair)
        ms[:, ~valid] = 0
        pan[0, np.kron(~valid, np.ones((pair.ratio, pair.ratio), bool))] = 0
        return PairTile(
            window,
            inside,
            torch.from_numpy(ms),
            torch.from_numpy(pan),
            torch.from_numpy(self.regions.read(whole)),
            valid[inside.slices],
        )


class PairSegmenter:
    """Classifies by the prototypes of labelled pixels.

    Args:
        scene: the pair that the examples were drawn on.
        examples: its labelled pixels.
    """

    def __init__(self, scene: PairScene, examples: PixelExamples) -> None:
        self.model = scene.model
        self.class_names = examples.class_names
        self.has_background = examples.has_background
        self.colours = examples.colours
        self.outlines = examples.outlines
        supports = describe_pixels(scene, examples.pixels)
        owners = torch.from_numpy(examples.owners).to(supports.device)
        self.prototypes = learn_prototypes(supports, owners)

    @torch.inference_mode()
    def __call__(self, descriptors: torch.Tensor) -> torch.Tensor:
        """Probabilities (K, h, w) of descriptors (h, w, D); they sum to 1."""
        rows = descriptors.flatten(0, 1)
        logits = self.prototypes.score(rows, self.model.config.temperature)
        return logits.softmax(dim=1).t().reshape(-1, *descriptors.shape[:2])


def describe_pixels(scene: PairScene, pixels: npt.NDArray[np.int64]) -> torch.Tensor:
    """Descriptors (P, D) of pixels (P, 2); only tiles with pixels are encoded."""
    found = torch.empty(len(pixels), scene.model.config.width, device=scene.policy.device)
    parts = [(window, _select(window, pixels)) for window in scene.tiles()]
    wanted = [(window, own) for window, own in parts if own.any()]
    tiles = scene.load([window for window, _ in wanted])
    for tile, (window, own) in zip(tiles, wanted, strict=True):
        rows, cols = (pixels[own] - (window.row, window.col)).T
        found[torch.from_numpy(own)] = scene.describe(tile)[rows, cols]
    return found


def _select(window: Window, pixels: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    begin = np.array((window.row, window.col))
    end = begin + np.array((window.height, window.width))
    inside = (pixels >= begin) & (pixels < end)
    return np.asarray(inside.all(axis=1))
