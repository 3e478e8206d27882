"""Recognise image files by their first bytes, and texts that pose as images.

GDAL tries every format on every file, whatever its suffix: a ``.png`` may be a text that makes GDAL
read another file or an address. Where an image is expected, only images are opened.
"""

from __future__ import annotations

from pathlib import Path

START_BYTES = 512

MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\x00", "GTiff"),
    (b"MM\x00*", "GTiff"),
    (b"II+\x00", "GTiff"),
    (b"MM\x00+", "GTiff"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"\x00\x00\x00\x0cjP  ", "JP2OpenJPEG"),
    (b"\xff\x4f\xff\x51", "JP2OpenJPEG"),
)
"""First bytes, and GDAL's driver."""

DESCRIPTIONS = (b"<VRTDataset", b"<GDAL_", b"<WCS_GDAL", b"<OGR", b"<GDALTileIndexDataset", b"{")
"""First bytes of texts that only point GDAL to other files."""

DESCRIBING = (".vrt", ".xml", ".wms", ".gti", ".json", ".geojson")
"""Suffixes of files that are openly such texts."""

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".bmp", ".jp2", ".j2k", ".webp")
"""Suffixes of images."""


def find_driver(start: bytes) -> str | None:
    """GDAL's driver for a file with this start; None if it is not an image.

    Examples:
        >>> find_driver(b"GIF89a"), find_driver(b"<VRTDataset>")
        ('GIF', None)
    """
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    return next((driver for magic, driver in MAGIC if start.startswith(magic)), None)


def is_description(path: Path) -> bool:
    """Whether a file with an unsuspicious suffix makes GDAL open something else."""
    if path.suffix.lower() in DESCRIBING or not path.is_file():
        return False
    return read_start(path).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(DESCRIPTIONS)


def read_start(path: Path) -> bytes:
    """The first bytes of a file.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return file.read(START_BYTES)
