"""The memory of mapping a pair, and tile sizes that respect a limit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fewscape.core import ConfigError
from fewscape.mapping.pan_ms.pair_segmenter import HALO, TILE, kept_rows
from fewscape.mapping.windows.memory import BASE_BYTES, LEAST_CACHE, count_patch_bytes, fit_strip
from fewscape.raster import PairSource
from fewscape.raster.gdal import CACHE_BYTES
from fewscape.raster.pan_ms.pair import SAMPLE_ROWS, SAMPLE_SIDE

LEAST_TILE = 64
FINE_BYTES = 560
"""Bytes per panchromatic pixel of a tile with halo: three tiles at a time as values, regions and
inputs of the segmentation, and the encoder's maps of one. Measured, like the next ones."""
CELL_BYTES = 80
"""Bytes per multispectral pixel and descriptor element: maps of both rasters and their gathered
windows."""
LABEL_BYTES = 4
"""Bytes per panchromatic pixel of a kept superpixel."""
ROW_BYTES = 9
"""Bytes per pixel of a finished row of tiles: three layers as tiles, joined and packed."""
SAMPLE_BYTES = 27
"""Bytes per panchromatic pixel of the sample for statistics."""


@dataclass(frozen=True, slots=True)
class PairMemory:
    """Memory sizes of mapping a pair, excluding the network.

    Attributes:
        tile: side of the tiles, multispectral pixels.
        cache_bytes: GDAL's block cache.
        sample_bytes: statistics of the pair, before anything else.
        row_bytes: a row of finished tiles, and rows of superpixels; grow with the width.
        tile_bytes: tiles being read, and the descriptors of one.
        patch_bytes: sieve and polygons.
        strip_pixels: pixels of the class map in memory for these.
    """

    tile: int
    cache_bytes: int
    sample_bytes: int
    row_bytes: int
    tile_bytes: int
    patch_bytes: int
    strip_pixels: int

    @property
    def total(self) -> int:
        """Peak bytes of tiles and polygons, or of the statistics."""
        describing = BASE_BYTES + self.cache_bytes + self.row_bytes + self.tile_bytes
        return max(describing + self.patch_bytes, self.sample_bytes)

    @classmethod
    def make(
        cls,
        source: PairSource,
        width: int,
        limit: int | None = None,
        has_patches: bool = True,
        tile: int | None = None,
    ) -> PairMemory:
        """Choose fast sizes, or those that fit a limit; the cache shrinks before the tiles.

        Superpixels end at tile edges, so another tile size changes the map along the edges.

        Args:
            source: the pair.
            width: length of a descriptor.
            limit: limit in bytes, or None.
            has_patches: whether the sieve or polygons are requested.
            tile: side of the tiles; the largest usual one that fits if not given.

        Raises:
            ConfigError: not even the minimum sizes fit.
        """
        if limit is None:
            return cls._of_tile(tile or TILE, source, width, None, has_patches)
        sides = [TILE, TILE // 2, LEAST_TILE] if tile is None else [tile]
        for side in sides:
            free = cls._of_tile(side, source, width, limit, has_patches)
            if free.total <= limit:
                return free
            least = replace(free, cache_bytes=LEAST_CACHE)
            if least.total <= limit:
                return replace(least, cache_bytes=LEAST_CACHE + limit - least.total)
        raise ConfigError(
            f"a memory limit of {limit / 1e6:.0f} MB was given",
            f"a pair of this width needs {least.total / 1e6:.0f} MB besides the network",
            "raise --max_memory, choose smaller tiles with --tile, or split the pair",
        )

    @classmethod
    def _of_tile(
        cls, tile: int, source: PairSource, width: int, limit: int | None, has_patches: bool
    ) -> PairMemory:
        ratio, side = source.ratio, tile + 2 * HALO
        across, fine = source.grid.width * ratio, (side * ratio) ** 2
        kept = ROW_BYTES + LABEL_BYTES * kept_rows(tile)
        sample = min(source.grid.height * source.grid.width, (SAMPLE_ROWS * SAMPLE_SIDE) ** 2)
        strip = fit_strip(limit)
        return cls(
            tile,
            max(CACHE_BYTES, 2 * across * side * ratio),
            SAMPLE_BYTES * sample * ratio**2,
            kept * across * tile * ratio,
            fine * FINE_BYTES + side**2 * width * CELL_BYTES,
            count_patch_bytes(strip, across) if has_patches else 0,
            strip,
        )
