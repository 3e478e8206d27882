"""The memory of mapping a scene, and sizes that respect a limit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fewscape.core import ConfigError
from fewscape.mapping.engine.segmenter import Segmenter
from fewscape.mapping.windows.blending import CHUNK_MAPS, CHUNK_PIXELS, KEPT
from fewscape.raster import SceneReader, WindowGrid
from fewscape.raster.gdal import CACHE_BYTES
from fewscape.raster.grid import STRIP_PIXELS
from fewscape.raster.vectors.vectorise import CACHED_ROWS
from fewscape.raster.writing.writer import BLOCK

LEAST_CACHE = 16 << 20
BATCHES = 4
"""Batches in memory at a time: read, waiting, in the network, and in pieces."""
STRIP_BYTES = 7
"""Bytes per pixel of a strip and map: float32, uint8, and bytes being written."""
CHOICE_BYTES = 14
"""Bytes per pixel of a strip: the highest probability, its index in 64 bits, and the class."""
BASE_BYTES = 48 << 20
"""Fixed bytes: blocks being written, overviews, allocator overhead."""
PATCH_BYTES = 32
"""Bytes per pixel of a strip in which polygons are traced."""
PATCH_BASE = 72 << 20
"""Fixed bytes of polygons and their file."""
PATCH_SHARE = 8
"""Divisor of the memory limit for the polygons' strips."""
LEAST_CHUNK = CHUNK_PIXELS // 8
LEAST_STRIP = 1 << 19


@dataclass(frozen=True, slots=True)
class UnitCosts:
    """Bytes of the parts of a map, per unit."""

    width: int
    """Width of the scene."""
    band: int
    """Sums and weights of the open rows of windows; grows with the scene's width and the classes,
    not with the height."""
    chunk_pixel: int
    """A finished pixel being written."""
    edge_pixels: int
    """Rows of cells above and below a chunk that are upsampled with it."""
    chunk_share: int
    """Divisor of the chunk size, for more maps than ``CHUNK_MAPS``."""
    window: int
    """A window read ahead."""

    @classmethod
    def of(cls, scene: SceneReader, segmenter: Segmenter, windows: WindowGrid) -> UnitCosts:
        """Unit costs of a scene and a segmenter."""
        maps = len(segmenter.class_names) + len(segmenter.layer_names)
        cells = windows.window // segmenter.stride + KEPT
        columns = windows.padded_width // segmenter.stride
        # Rolling the band copies the kept rows.
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
    """Memory sizes of mapping a scene, excluding the network.

    Attributes:
        costs: unit costs.
        batch_size: windows per batch.
        cache_bytes: GDAL's block cache.
        chunk_pixels: see ``CHUNK_PIXELS``.
        strip_pixels: pixels of the class map in memory for sieve and polygons.
        has_patches: whether the sieve or polygons are requested.
    """

    costs: UnitCosts
    batch_size: int
    cache_bytes: int
    chunk_pixels: int = CHUNK_PIXELS
    strip_pixels: int = STRIP_PIXELS
    has_patches: bool = True

    @property
    def total(self) -> int:
        """Bytes of prediction plus those of polygons, since allocators keep what they had."""
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
        """Choose fast sizes, or those that fit a limit; the cache shrinks before the batches.

        Args:
            scene: the scene, for its width.
            segmenter: the segmenter, for its classes and cells.
            windows: windows of the scene.
            batch_size: wanted batch size; a limit may lower it.
            limit: limit in bytes, or None.
            has_patches: whether the sieve or polygons are requested.

        Raises:
            ConfigError: not even the minimum sizes fit.
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
            f"a memory limit of {limit / 1e6:.0f} MB was given",
            f"a scene of this width with this many classes needs {least.total / 1e6:.0f} MB "
            "besides the network",
            "raise the limit, choose smaller windows with --window, or map fewer classes at a time",
        )


def count_patch_bytes(strip_pixels: int, width: int) -> int:
    """Bytes of sieve and polygons.

    Args:
        strip_pixels: pixels of the class map in memory.
        width: width of the map.
    """
    return PATCH_BASE + CACHED_ROWS * BLOCK * width + PATCH_BYTES * strip_pixels


def fit_strip(limit: int | None) -> int:
    """Pixels of the class map in memory for the polygons.

    Args:
        limit: limit in bytes, or None.
    """
    if limit is None:
        return STRIP_PIXELS
    return min(STRIP_PIXELS, max(LEAST_STRIP, limit // PATCH_SHARE // PATCH_BYTES))
