"""Region maps on disk, so that each image is segmented once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fewscape.core import ConfigError, OutputError, write_whole
from fewscape.regions.maker import Image, MakeRegions, RegionMaker, Regions
from fewscape.regions.methods import make_regions

MAX_REGIONS = 2**16 - 2
"""Maximum number of regions in a 16-bit PNG, with one value for "none" and one unused."""


@dataclass(frozen=True)
class RegionStore:
    """16-bit PNG files named by a hash of the pixels, the method and its parameters.

    0 means no region, otherwise id + 1. Files are written atomically, and damaged files are remade.
    Threads and processes may share a store.

    Args:
        folder: folder, created with the first file.
    """

    folder: Path

    def get(self, image: Image, maker: RegionMaker) -> Regions:
        """Regions (H, W) int32 of an image (H, W, C), from the store or made and stored.

        Raises:
            ConfigError: the image has too many regions for a file.
            OutputError: the file cannot be written.
        """
        path = self.path(image, maker)
        found = _read(path, image.shape[:2])
        if found is not None:
            return found
        regions = maker(image)
        _write(path, regions)
        return regions

    def add(self, image: Image, maker: RegionMaker) -> bool:
        """Make and store the regions of an image if missing; return whether they were made.

        Raises:
            ConfigError: the image has too many regions for a file.
            OutputError: the file cannot be written.
        """
        path = self.path(image, maker)
        if _read(path, image.shape[:2]) is not None:
            return False
        _write(path, maker(image))
        return True

    def path(self, image: Image, maker: RegionMaker) -> Path:
        """File of the regions of an image."""
        told = json.dumps([maker.name, dict(maker.parameters), image.shape, str(image.dtype)])
        digest = hashlib.sha256(told.encode())
        digest.update(np.ascontiguousarray(image).data)
        key = digest.hexdigest()
        return Path(self.folder) / key[:2] / f"{key[2:34]}.png"


@dataclass(frozen=True)
class StoredRegions:
    """A maker backed by a store.

    Args:
        store: store of the maps.
        maker: makes the missing maps.
    """

    store: RegionStore
    maker: RegionMaker

    def __call__(self, image: Image) -> Regions:
        """Segment an image (H, W, C) uint8 into regions (H, W) int32."""
        return self.store.get(image, self.maker)


def open_regions(
    method: str | None, options: Mapping[str, Any], store: Path | str | None = None
) -> MakeRegions | None:
    """Make the region maker of a network.

    Args:
        method: a name in ``REGION_METHODS``; None for a network without regions.
        options: parameters of the method.
        store: cache folder of the maps, if any.
    """
    if method is None:
        return None
    maker = make_regions(method, **options)
    return maker if store is None else StoredRegions(RegionStore(Path(store)), maker)


def _write(path: Path, regions: Regions) -> None:
    from PIL import Image

    count = int(regions.max()) + 1
    if count > MAX_REGIONS:
        raise ConfigError(
            f"the image has {count} regions",
            f"expected at most {MAX_REGIONS}, which fit a 16-bit PNG",
            "use fewer or larger regions",
        )
    try:
        with write_whole(path) as draft:
            Image.fromarray((regions + 1).astype(np.uint16)).save(draft, format="PNG")
    except OSError as error:
        raise OutputError(
            f"the region map '{path}' cannot be written: {error.strerror or error}",
            "",
            "choose a writable folder with free space for the store",
        ) from error


def _read(path: Path, shape: tuple[int, ...]) -> Regions | None:
    """Read the regions of a file; None if it is absent, damaged or of another size."""
    from PIL.PngImagePlugin import PngImageFile

    try:
        # Not PIL's open: it refuses maps of large scenes, which could be a trap in a stranger's
        # file but not in one of ours.
        with path.open("rb") as file:
            stored = np.asarray(PngImageFile(file))
    except (OSError, SyntaxError, ValueError):  # PIL calls a broken PNG header a syntax error
        return None
    if stored.shape != shape or stored.dtype != np.uint16:
        return None
    return stored.astype(np.int32) - 1
