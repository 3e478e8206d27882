"""How much memory mapping a pair takes, and tiles that keep it under a limit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fewscape.core import ConfigError
from fewscape.mapping.pan_ms.pair_segmenter import HALO, TILE, kept_rows
from fewscape.mapping.windows.memory import BASE_BYTES, LEAST_CACHE, count_patch_bytes, fit_strip
from fewscape.raster import PairSource
from fewscape.raster.pan_ms.pair import SAMPLE_ROWS, SAMPLE_SIDE

LEAST_TILE = 64
FINE_BYTES = 560
"""Of a panchromatic pixel of a tile with its halo: three tiles are there at a time, as values, as
regions, and as what cuts them; and the encoder's maps of one. Measured, as the next."""
CELL_BYTES = 80
"""Of a multispectral pixel for each number of its descriptor: maps of both rasters, and what
their windows are gathered into."""
LABEL_BYTES = 4
"""Of a panchromatic pixel whose superpixel is kept."""
ROW_BYTES = 9
"""Of a pixel of a finished row of tiles: three layers as tiles, joined, and packed."""
SAMPLE_BYTES = 27
"""Of a panchromatic pixel of the sample that statistics are taken from."""
CACHE_BYTES = 64 << 20
"""GDAL's block cache, at least, where there is no limit."""


@dataclass(frozen=True, slots=True)
class PairMemory:
    """Sizes of what mapping a pair keeps in memory beside the network.

    Attributes:
        tile: side of the tiles in multispectral pixels.
        cache_bytes: GDAL's block cache.
        sample_bytes: statistics of the pair, before anything else.
        row_bytes: a row of finished tiles, and rows of superpixels; grow with the width.
        tile_bytes: tiles that are read, and the descriptors of one.
        patch_bytes: sieve and polygons.
        strip_pixels: pixels of the class map that are looked at together for these.
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
        """Bytes of describing tiles and of polygons, or of the statistics if that is more."""
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
        """Sizes that are fast, or, under a limit, what fits: the cache gives way before the tiles.

        Superpixels end where tiles do, so another side is another map, if only along the edges.

        Args:
            source: the pair.
            width: numbers of a descriptor.
            limit: bytes; None for none.
            has_patches: whether there are sieve or polygons.
            tile: side of the tiles; the largest usual one that fits if not given.

        Raises:
            ConfigError: not even the least sizes fit.
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
            f"a map within {limit / 1e6:.0f} MB was asked for",
            f"a pair so wide needs {least.total / 1e6:.0f} MB beside the network",
            "allow more with --max_memory, choose smaller tiles with --tile, or cut the pair",
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
