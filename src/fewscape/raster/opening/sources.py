"""``Source``: the address of one raster."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

SCHEME = re.compile(r"[a-z][a-z0-9+]+://", re.IGNORECASE)
SUBDATASET = re.compile(r'[A-Z0-9_]{2,}:["\w./]')
"""As in ``NETCDF:"file.nc":red``."""


@dataclass(frozen=True, slots=True)
class Source:
    """One raster.

    It prints as its address without the query, which may hold signatures and keys.
    """

    address: str
    """Path or virtual path that rasterio opens, such as ``/vsicurl/https://host/scene.tif``."""
    name: str
    """File name, after which results are named; for a STAC asset, the name of its item."""

    def __str__(self) -> str:
        address = self.address.removeprefix("/vsicurl/")
        return address.partition("?")[0] if self.is_virtual else address

    @property
    def is_virtual(self) -> bool:
        """Whether the address is not a local path."""
        return self.address.startswith("/vsi") or bool(
            SCHEME.match(self.address) or SUBDATASET.match(self.address)
        )

    @property
    def file(self) -> Path | None:
        """The local file, if there is one."""
        return None if self.is_virtual else Path(self.address)

    @property
    def path(self) -> Path:
        """The local file if results are named after it, otherwise the name."""
        named = self.file is not None and self.file.name == self.name
        return Path(self.address if named else self.name)

    @property
    def stem(self) -> str:
        """Prefix of the names of results."""
        return self.path.stem


def to_source(scene: Source | Path | str) -> Source:
    """Make the source of one raster, local or remote.

    ``http://`` and ``https://`` become ``/vsicurl/``, other schemes (``s3://``, ``gs://``) are
    rasterio's to open, ``/vsi...`` paths and subdatasets (``NETCDF:"file.nc":red``) GDAL's.

    Args:
        scene: path or address; a ``Path`` would lose a slash of an address.

    Examples:
        >>> to_source("https://host/town.tif?key=1").address
        '/vsicurl/https://host/town.tif?key=1'
        >>> to_source("https://host/town.tif?key=1").stem
        'town'
    """
    if isinstance(scene, Source):
        return scene
    text = str(scene)
    if text.lower().startswith(("http://", "https://")):
        text = f"/vsicurl/{text}"
    if not (text.startswith("/vsi") or SCHEME.match(text)):
        is_part = SUBDATASET.match(text) and not Path(text).exists()
        return Source(text, re.sub(r"\W+", "_", text).strip("_") if is_part else Path(text).name)
    name = unquote(text.partition("?")[0].rstrip("/").rpartition("/")[2])
    return Source(text, re.sub(r"[^\w.-]+", "_", name) or "scene")
