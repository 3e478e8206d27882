"""Region maps on disk, so that each image is cut up once."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fewscape.core import ConfigError
from fewscape.regions.maker import RegionMaker, Regions

MAX_REGIONS = 2**16 - 2
"""Ids that fit a 16-bit PNG beside "none"."""


@dataclass(frozen=True)
class RegionStore:
    """16-bit PNG files named by a hash of the pixels, the method and its parameters.

    0 stands for no region, id + 1 for the others. Files appear by rename, so an interrupted run
    leaves none that is half-written; a damaged file is made again.

    Args:
        folder: made when the first file is written.
    """

    folder: Path

    def get(self, image: npt.NDArray[np.uint8], maker: RegionMaker) -> Regions:
        """(H, W) int32 regions of an (H, W, C) image, from the store or made and stored."""
        path = self.path(image, maker)
        found = _read(path, image.shape[:2])
        if found is not None:
            return found
        regions = maker(image)
        self._write(path, regions)
        return regions

    def holds(self, image: npt.NDArray[np.uint8], maker: RegionMaker) -> bool:
        """Whether there is a readable file."""
        return _read(self.path(image, maker), image.shape[:2]) is not None

    def path(self, image: npt.NDArray[np.uint8], maker: RegionMaker) -> Path:
        """Where the regions of an image are kept."""
        told = json.dumps([maker.name, dict(maker.parameters), image.shape, str(image.dtype)])
        digest = hashlib.sha256(told.encode())
        digest.update(np.ascontiguousarray(image).data)
        key = digest.hexdigest()
        return Path(self.folder) / key[:2] / f"{key[2:34]}.png"

    def _write(self, path: Path, regions: Regions) -> None:
        from PIL import Image

        if regions.max(initial=-1) > MAX_REGIONS:
            raise ConfigError(
                f"the image has {regions.max() + 1} regions",
                f"expected at most {MAX_REGIONS + 1}, which fit a 16-bit PNG",
                "ask for fewer or larger regions",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.part")
        Image.fromarray((regions + 1).astype(np.uint16)).save(unfinished, format="PNG")
        unfinished.replace(path)


@dataclass(frozen=True)
class StoredRegions:
    """A maker that looks into a store first.

    Args:
        store: where maps are kept.
        maker: makes those that are not there.
    """

    store: RegionStore
    maker: RegionMaker

    def __call__(self, image: npt.NDArray[np.uint8]) -> Regions:
        """(H, W, C) uint8 to (H, W) int32."""
        return self.store.get(image, self.maker)


def _read(path: Path, shape: tuple[int, ...]) -> Regions | None:
    """The regions of a file; None if it is absent, damaged or of another size."""
    from PIL import Image

    try:
        with Image.open(path) as file:
            stored = np.asarray(file)
    except (OSError, SyntaxError):  # PIL calls a broken PNG header a syntax error
        return None
    return stored.astype(np.int32) - 1 if stored.shape == shape else None
