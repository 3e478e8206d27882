"""What kind of picture a file is by its first bytes, and what only poses as one.

GDAL tries every format on every file, whatever it is called: a ``.png`` may be a text that tells
GDAL to read another file, or an address. Where a picture is expected, only pictures are opened.
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
"""What texts begin with that only tell GDAL what to open."""

DESCRIBING = (".vrt", ".xml", ".wms", ".gti", ".json", ".geojson")
"""Suffixes of files that are such texts for everyone to see."""

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".bmp", ".jp2", ".j2k", ".webp")
"""Suffixes of files that are pictures."""


def find_driver(start: bytes) -> str | None:
    """GDAL's driver for a file that begins like this; None for what is no picture.

    Examples:
        >>> find_driver(b"GIF89a"), find_driver(b"<VRTDataset>")
        ('GIF', None)
    """
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    return next((driver for magic, driver in MAGIC if start.startswith(magic)), None)


def is_description(path: Path) -> bool:
    """Whether a file that is not called one is a text that makes GDAL open something else."""
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
