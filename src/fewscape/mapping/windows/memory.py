"""How much memory mapping takes, and how it is kept under a limit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fewscape.core import ConfigError
from fewscape.mapping.engine.segmenter import Segmenter
from fewscape.mapping.windows.blending import CHUNK_MAPS, CHUNK_PIXELS, KEPT
from fewscape.raster import SceneReader, WindowGrid
from fewscape.raster.reading.reader import CACHE_BYTES
from fewscape.raster.vectors.vectorise import CACHED_ROWS, STRIP_PIXELS
from fewscape.raster.writing.writer import BLOCK

LEAST_CACHE = 16 << 20
BATCHES = 4
"""Batches that are there at a time: read, waiting, in the network, and in pieces."""
STRIP_BYTES = 7
"""Of a pixel of a strip for each map: float32, bytes, and bytes on their way to the disk."""
CHOICE_BYTES = 14
"""Of a pixel of a strip: the most probable class, its number in 64 bits, and the class."""
BASE_BYTES = 48 << 20
"""Of what follows no size: blocks that are written, reduced copies, what allocators keep."""
PATCH_BYTES = 32
"""Of a pixel in whose strip polygons are being found."""
PATCH_BASE = 72 << 20
"""Of polygons and their file, however large the strips are."""
PATCH_SHARE = 8
"""The strips of the polygons get one part in so many of a limit."""
LEAST_CHUNK = CHUNK_PIXELS // 8
LEAST_STRIP = 1 << 19


@dataclass(frozen=True, slots=True)
class UnitCosts:
    """Bytes that the parts of a map take, each by its size."""

    width: int
    """Columns of the scene."""
    band: int
    """Sums and weights of the rows of windows that are open: grows with the width of the scene
    and with the classes, not with the height."""
    chunk_pixel: int
    """A finished pixel on its way to the disk."""
    edge_pixels: int
    """Of the rows of cells above and below a chunk that are enlarged with it."""
    chunk_share: int
    """A chunk has one in so many pixels, since there are more maps than it is meant for."""
    window: int
    """A window that was read ahead."""

    @classmethod
    def of(cls, scene: SceneReader, segmenter: Segmenter, windows: WindowGrid) -> UnitCosts:
        """Costs of a scene before a network."""
        maps = len(segmenter.class_names) + len(segmenter.layer_names)
        cells = windows.window // segmenter.stride + KEPT
        columns = windows.padded_width // segmenter.stride
        # Rolling the band copies what stays.
        return cls(
            scene.width,
            2 * 8 * (maps + 1) * cells * columns + cells * segmenter.stride * scene.width,
            STRIP_BYTES * maps + CHOICE_BYTES,
            2 * segmenter.stride * scene.width,
            max(1, maps // CHUNK_MAPS),
            windows.window**2 * (4 * len(scene.bands) * 2 + 1 + 4),
        )


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Sizes of what mapping keeps in memory beside the network.

    Attributes:
        costs: of each part.
        batch_size: windows that pass the network together.
        cache_bytes: GDAL's block cache.
        chunk_pixels: see ``CHUNK_PIXELS``.
        strip_pixels: pixels of the class map that are looked at together for sieve and polygons.
        has_patches: whether there are sieve or polygons.
    """

    costs: UnitCosts
    batch_size: int
    cache_bytes: int
    chunk_pixels: int = CHUNK_PIXELS
    strip_pixels: int = STRIP_PIXELS
    has_patches: bool = True

    @property
    def total(self) -> int:
        """Bytes of predicting and of finding polygons: allocators keep what the first one had."""
        chunk = self.chunk_pixels // self.costs.chunk_share + 2 * self.costs.edge_pixels
        predicting = (
            BASE_BYTES
            + self.cache_bytes
            + self.costs.band
            + self.costs.chunk_pixel * chunk
            + self.costs.window * BATCHES * self.batch_size
        )
        return predicting + self.has_patches * count_patch_bytes(
            self.strip_pixels, self.costs.width
        )

    @classmethod
    def make(
        cls,
        scene: SceneReader,
        segmenter: Segmenter,
        windows: WindowGrid,
        batch_size: int,
        limit: int | None = None,
        has_patches: bool = True,
    ) -> MemoryPlan:
        """Sizes that are fast, or, under a limit, what fits: the cache gives way before batches.

        Args:
            scene: whose width counts.
            segmenter: whose classes and cells count.
            windows: of the scene.
            batch_size: wanted; smaller ones may be taken under a limit.
            limit: bytes; None for none.
            has_patches: whether there are sieve or polygons.

        Raises:
            ConfigError: not even the least sizes fit.
        """
        costs = UnitCosts.of(scene, segmenter, windows)
        row_bytes = scene.width * windows.window * len(set(scene.bands)) * scene.dtype.itemsize
        cache = max(CACHE_BYTES, 2 * row_bytes)
        free = cls(costs, batch_size, cache, has_patches=has_patches)
        if limit is None or free.total <= limit:
            return free
        for size in range(batch_size, 0, -1):
            least = cls(costs, size, LEAST_CACHE, LEAST_CHUNK, fit_strip(limit), has_patches)
            spare = limit - least.total
            if spare >= 0:
                return replace(least, cache_bytes=min(cache, LEAST_CACHE + spare))
        raise ConfigError(
            f"a map within {limit / 1e6:.0f} MB was asked for",
            f"this scene, so wide and with so many classes, needs {least.total / 1e6:.0f} MB "
            "beside the network",
            "allow more, choose smaller windows with --window, or map fewer classes at a time",
        )


def count_patch_bytes(strip_pixels: int, width: int) -> int:
    """What sieve and polygons take.

    Args:
        strip_pixels: pixels of the class map that are looked at together.
        width: columns of the map.
    """
    return PATCH_BASE + CACHED_ROWS * BLOCK * width + PATCH_BYTES * strip_pixels


def fit_strip(limit: int | None) -> int:
    """Pixels of the class map that are looked at together for the polygons.

    Args:
        limit: bytes that they may take; None for none.
    """
    if limit is None:
        return STRIP_PIXELS
    return min(STRIP_PIXELS, max(LEAST_STRIP, limit // PATCH_SHARE // PATCH_BYTES))
