"""How much memory mapping a pair takes, and tiles that keep it under a limit."""

from __future__ import annotations

from dataclasses import dataclass

from fewscape.core import ConfigError
from fewscape.raster import PairSource
from fewscape.scene.memory import count_vector_bytes, fit_strip
from fewscape.scene.pair_segmenter import HALO, TILE

LEAST_TILE = 64
FINE_BYTES = 560
"""Of a panchromatic pixel of a tile with its halo: three tiles are there at a time, as values, as
regions, and as what cuts them; and the encoder's maps of one. Measured, as the next."""
CELL_BYTES = 80
"""Of a multispectral pixel for each number of its descriptor: maps of both rasters, and what
their windows are gathered into."""
ROW_BYTES = 9
"""Of a pixel of a finished row of tiles: three layers as tiles, joined, and packed."""
CACHE_BYTES = 64 << 20
"""GDAL's block cache, at least."""


@dataclass(frozen=True, slots=True)
class PairMemory:
    """Sizes of what mapping a pair keeps in memory beside the network.

    Attributes:
        tile: side of the tiles in multispectral pixels.
        cache_bytes: GDAL's block cache; grows with the width of the pair.
        row_bytes: a row of finished tiles; likewise.
        tile_bytes: tiles that are read, and the descriptors of one.
        strip_pixels: pixels of the class map that are looked at together for sieve and polygons.
        has_patches: whether there are sieve or polygons.
    """

    tile: int
    cache_bytes: int
    row_bytes: int
    tile_bytes: int
    strip_pixels: int
    has_patches: bool = True

    @property
    def total(self) -> int:
        """Bytes of both stages, describing tiles and finding polygons."""
        describing = self.cache_bytes + self.row_bytes + self.tile_bytes
        return describing + self.has_patches * count_vector_bytes(self.strip_pixels)

    @classmethod
    def of_tile(
        cls,
        tile: int,
        source: PairSource,
        width: int,
        limit: int | None = None,
        has_patches: bool = True,
    ) -> PairMemory:
        """Sizes that tiles of a side need.

        Args:
            tile: side of the tiles in multispectral pixels.
            source: the pair.
            width: numbers of a descriptor.
            limit: bytes; only the strips follow it here.
            has_patches: whether there are sieve or polygons.
        """
        ratio, side = source.ratio, tile + 2 * HALO
        across = source.grid.width * ratio
        fine = (side * ratio) ** 2
        return cls(
            tile,
            max(CACHE_BYTES, 2 * across * side * ratio),
            ROW_BYTES * across * tile * ratio,
            fine * FINE_BYTES + side**2 * width * CELL_BYTES,
            fit_strip(limit),
            has_patches,
        )


def choose_tile(source: PairSource, width: int, limit: int | None) -> int:
    """The largest usual side of tiles that keeps a limit.

    Superpixels end where tiles do, so another side is another map, if only along the tiles' edges.

    Args:
        source: the pair.
        width: numbers of a descriptor.
        limit: bytes; None for none.

    Raises:
        ConfigError: not even the smallest tiles fit.
    """
    if limit is None:
        return TILE
    tile = TILE
    while tile >= LEAST_TILE:
        if PairMemory.of_tile(tile, source, width, limit).total <= limit:
            return tile
        tile //= 2
    least = PairMemory.of_tile(LEAST_TILE, source, width, limit).total
    raise ConfigError(
        f"a map within {limit / 1e6:.0f} MB was asked for",
        f"a pair so wide needs {least / 1e6:.0f} MB beside the network",
        "allow more with --max_memory, or cut the pair",
    )
