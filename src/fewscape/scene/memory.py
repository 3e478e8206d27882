"""How much memory mapping takes, and how it is kept under a limit."""

from __future__ import annotations

from dataclasses import dataclass

from fewscape.core import ConfigError
from fewscape.raster import SceneReader, WindowGrid
from fewscape.raster.reader import CACHE_BYTES
from fewscape.raster.vectorise import STRIP_PIXELS
from fewscape.scene.blending import CHUNK_MAPS, CHUNK_PIXELS, KEPT
from fewscape.scene.segmenter import Segmenter

LEAST_CACHE = 16 << 20
BATCHES = 4
"""Batches that are there at a time: read, waiting, in the network, and in pieces."""
STRIP_BYTES = 14
"""Of a pixel of a strip for each map: float32 twice, and what becomes of it."""
VECTOR_BYTES = 48
"""Of a pixel whose polygons are being found."""
LEAST_STRIP = 1 << 19


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Sizes of what mapping keeps in memory beside the network.

    Attributes:
        batch_size: windows that pass the network together.
        cache_bytes: GDAL's block cache.
        strip_pixels: pixels of the class map that are looked at together for the polygons.
        band_bytes: sums and weights of the rows of windows that are open; grows with the width of
            the scene and the classes, not with its height.
        strip_bytes: finished rows on their way to the disk.
        batch_bytes: windows read ahead.
    """

    batch_size: int
    cache_bytes: int
    strip_pixels: int
    band_bytes: int
    strip_bytes: int
    batch_bytes: int

    @property
    def total(self) -> int:
        """Bytes of the larger of two stages: predicting, then finding polygons."""
        predicting = self.band_bytes + self.strip_bytes + self.batch_bytes + self.cache_bytes
        return max(predicting, self.strip_pixels * VECTOR_BYTES)

    @classmethod
    def make(
        cls,
        scene: SceneReader,
        segmenter: Segmenter,
        windows: WindowGrid,
        batch_size: int,
        limit: int | None = None,
    ) -> MemoryPlan:
        """Sizes that are fast, or, under a limit, what fits.

        Args:
            scene: whose width counts.
            segmenter: whose classes and cells count.
            windows: of the scene.
            batch_size: wanted; smaller ones may be taken under a limit.
            limit: bytes; None for none.

        Raises:
            ConfigError: not even the least sizes fit.
        """
        maps = len(segmenter.class_names) + len(segmenter.layer_names)
        cells = windows.window // segmenter.stride + KEPT
        columns = windows.padded_width // segmenter.stride
        # Rolling the band copies what stays.
        band = 2 * 8 * (maps + 1) * cells * columns + cells * segmenter.stride * scene.width
        pixels = max(
            CHUNK_PIXELS * CHUNK_MAPS // max(CHUNK_MAPS, maps), 3 * segmenter.stride * scene.width
        )
        strip = STRIP_BYTES * maps * pixels
        window_bytes = windows.window**2 * (4 * len(scene.bands) * 2 + 1 + 4)
        row_bytes = scene.width * windows.window * len(set(scene.bands)) * scene.dtype.itemsize
        cache = max(CACHE_BYTES, 2 * row_bytes)
        plan = cls(
            batch_size, cache, STRIP_PIXELS, band, strip, BATCHES * batch_size * window_bytes
        )
        if limit is None or plan.total <= limit:
            return plan
        return plan._shrink(limit, window_bytes)

    def _shrink(self, limit: int, window_bytes: int) -> MemoryPlan:
        """Less cache first, then smaller batches."""
        fixed = self.band_bytes + self.strip_bytes
        strip_pixels = fit_strip(limit)
        for batch_size in range(self.batch_size, 0, -1):
            batches = BATCHES * batch_size * window_bytes
            cache = min(self.cache_bytes, limit - fixed - batches)
            if cache >= LEAST_CACHE:
                return MemoryPlan(
                    batch_size, cache, strip_pixels, self.band_bytes, self.strip_bytes, batches
                )
        least = fixed + BATCHES * window_bytes + LEAST_CACHE
        raise ConfigError(
            f"a map within {limit / 1e6:.0f} MB was asked for",
            f"this scene, so wide and with so many classes, needs {least / 1e6:.0f} MB beside the "
            "network",
            "allow more, choose smaller windows with --window, or map fewer classes at a time",
        )


def fit_strip(limit: int | None) -> int:
    """Pixels of the class map that are looked at together for the polygons.

    Args:
        limit: bytes that they may take; None for none.
    """
    if limit is None:
        return STRIP_PIXELS
    return min(STRIP_PIXELS, max(LEAST_STRIP, limit // VECTOR_BYTES))
