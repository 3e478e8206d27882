"""Read one layer of a vector file: geometries, classes, colours and CRS."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fewscape.core import ExamplesError, suggest
from fewscape.raster.opening.archive_paths import describe_inside, split_archive
from fewscape.raster.vectors.annotation_json import (
    list_outlines,
    parse_annotation_json,
    to_geojson,
)

if TYPE_CHECKING:
    from rasterio.crs import CRS

COLOUR_FIELDS = ("colour", "color")
"""Attributes with the colour of a class, in any case."""

JSON_SUFFIXES = (".geojson", ".json", ".geojsonl", ".geojsons", ".ndjson", ".jsonl", ".topojson")
"""Suffixes of text files that are converted to UTF-8 before GDAL reads them."""

MOST_JSON = 1 << 30
"""Maximum bytes of such a file; larger ones should be GeoPackages."""

MOST_FEATURES = 2_000_000
"""Of one layer."""

DESCRIPTIONS = (b"<OGR", b"<VRTDataset")
"""First bytes of files that only point GDAL to others."""

EXAMPLES_LAYER = "examples"
"""Layer to read if several have the attribute: the one that ``annotate`` writes."""

RECORD = b"\x1e"
"""Record separator of a GeoJSON text sequence."""

NEXT_LINE = re.compile(rb"\}\s*\n\s*\{")
"""Separator of newline-delimited features; other features are separated by commas."""

STATED = re.compile(rb'"crs"\s*:\s*\{')
"""The CRS member of GeoJSON."""


class Layer(NamedTuple):
    """The content of a layer."""

    wkb: Sequence[bytes | None]
    classes: tuple[str | None, ...]
    """None for features without one."""
    colours: Sequence[str]
    """Empty for features without one."""
    crs: CRS | None
    crs_stated: bool
    notes: tuple[str, ...]
    """Messages about what was guessed or skipped."""
    are_pixels: bool = False
    """Whether coordinates are columns and rows, as annotation tools write them."""


def read_layer(path: Path, class_field: str, layer: str | None = None) -> Layer:
    """Read geometries and classes of one layer.

    Args:
        path: any vector file of GDAL, a file geodatabase, or a path into an archive.
        class_field: attribute that holds the class.
        layer: name of the layer; by default the only one with geometries and the attribute. For
            the JSON of an annotation tool, the name of the image's file.

    Raises:
        ExamplesError: the file is missing or unreadable, has several such layers or lacks the named
            one, or the layer lacks the attribute.
    """
    import pyogrio

    address = _find(path)
    notes: list[str] = []
    with warnings.catch_warnings(), _converted_errors(path):
        warnings.simplefilter("ignore")
        source = _open_text(path, notes) if path.suffix.lower() in JSON_SUFFIXES else address
        annotated = None if isinstance(source, str) else parse_annotation_json(source)
        if annotated is not None:
            outlines = list_outlines(annotated, path, layer, notes)
            source, layer = to_geojson(outlines, class_field), None
        chosen = _choose_layer(path, source, class_field, layer, notes)
        encoding = _guess_encoding(path, notes)
        info = pyogrio.read_info(source, layer=chosen, encoding=encoding)
        fields = [str(field) for field in info["fields"]]
        _check(path, info, fields, class_field)
        found = [name for name in fields if name.lower() in COLOUR_FIELDS]
        wanted = [class_field, *(name for name in found[:1] if name != class_field)]
        meta, _, wkb, columns = pyogrio.raw.read(
            source, layer=chosen, columns=wanted, encoding=encoding
        )
        by_name = dict(zip(meta["fields"], columns, strict=True))
        classes = name_values(by_name[class_field], path, class_field)
        colours = [""] * len(wkb)
        for name in wanted[1:]:
            colours = [str(value or "").strip() for value in by_name[name]]
        crs, is_stated = _read_crs(path, meta["crs"])
        if is_stated and not isinstance(source, str):
            is_stated = STATED.search(source) is not None
    if annotated is not None:
        return Layer(wkb, classes, colours, None, False, tuple(notes), are_pixels=True)
    return Layer(wkb, classes, colours, crs, is_stated, tuple(notes))


def name_values(values: npt.NDArray[Any], path: Path, class_field: str) -> tuple[str | None, ...]:
    """Convert attribute values to names; integers have no fraction, empty values are None.

    Raises:
        ExamplesError: the attribute holds lists or bytes.
    """
    if values.dtype.kind == "f":
        known = values[np.isfinite(values)]
        is_whole = bool((known == np.floor(known)).all()) and bool((np.abs(known) < 2**53).all())
        return tuple(
            None if not np.isfinite(value) else str(int(value)) if is_whole else f"{value:g}"
            for value in values.tolist()
        )
    if values.dtype.kind == "M":
        return tuple(None if np.isnat(value) else str(value) for value in values)
    names: list[str | None] = []
    for value in values.tolist():
        if isinstance(value, list | bytes | dict | np.ndarray):
            raise ExamplesError(
                f"the attribute '{class_field}' of the examples '{path}' holds lists or bytes",
                "a class is a word or a number",
                "choose another attribute with --class_field",
            )
        text = "" if value is None else str(value).strip()
        names.append(None if text in ("", "None", "nan", "NaN", "<NA>") else text)
    return tuple(names)


def _find(path: Path) -> str:
    """The path that GDAL opens."""
    archive = split_archive(path)
    if archive is not None:
        return archive.address
    if not path.exists():
        raise ExamplesError(f"the examples '{path}' do not exist", "", "check the path")
    if path.is_file():
        with path.open("rb") as file:
            start = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
        if start.startswith(DESCRIPTIONS):
            raise ExamplesError(
                f"the examples '{path}' only point to other files",
                "expected polygons (GeoPackage, GeoJSON, Shapefile) or a label raster",
                "use the file with the polygons",
            )
    return str(path)


class _converted_errors:  # noqa: N801 (a context, used like a function)
    """Turn errors of GDAL and its readers into ``ExamplesError``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ExamplesError) or not isinstance(error, Exception):
            return
        raise ExamplesError(
            f"the examples '{self._path}' cannot be read: {str(error)[:300]}",
            "expected polygons (GeoPackage, GeoJSON, Shapefile) or a label raster (PNG, TIFF)",
            describe_inside(self._path) or "check the file, for example in QGIS",
        ) from error


def _open_text(path: Path, notes: list[str]) -> bytes:
    """Convert GeoJSON to UTF-8 without a byte order mark, as GDAL needs it."""
    size = path.stat().st_size
    if size > MOST_JSON:
        raise ExamplesError(
            f"the examples '{path}' have {size / 1e9:.1f} GB of text",
            f"expected at most {MOST_JSON / 1e9:.0f} GB",
            "save them as a GeoPackage, for example with ogr2ogr",
        )
    content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        content = content.decode("utf-16").encode()
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        encoding = guess_encoding(content)
        notes.append(f"'{path.name}' is not UTF-8; its text was read as {encoding}")
        content = content.decode(encoding, "replace").encode()
    return _join_sequence(content)


def _join_sequence(content: bytes) -> bytes:
    """Join newline-delimited or record-separated features to one collection."""
    if content.lstrip().startswith(RECORD):
        features = content.split(RECORD)
    elif NEXT_LINE.search(content):
        features = content.splitlines()
    else:
        return content
    joined = b",".join(feature for each in features if (feature := each.strip()))
    return b'{"type": "FeatureCollection", "features": [' + joined + b"]}"


def guess_encoding(text: bytes) -> str:
    """Guess GB 18030 if all non-ASCII bytes come in pairs, otherwise Windows-1252.

    Examples:
        >>> guess_encoding("建筑物".encode("gbk")), guess_encoding("Gebäude".encode("latin-1"))
        ('gb18030', 'cp1252')
    """
    runs = re.findall(rb"[\x80-\xff]+", text)
    is_paired = all(len(run) % 2 == 0 and min(run) >= 0xA1 for run in runs)
    return "gb18030" if runs and is_paired else "cp1252"


def _guess_encoding(path: Path, notes: list[str]) -> str | None:
    """Guess the encoding of a Shapefile that does not state it; None lets GDAL decide."""
    table = next(
        (
            path.with_suffix(end)
            for end in (".dbf", ".DBF")
            if path.suffix.lower() == ".shp" and path.with_suffix(end).is_file()
        ),
        None,
    )
    if table is None or any(path.with_suffix(end).is_file() for end in (".cpg", ".CPG")):
        return None
    content = table.read_bytes()
    if len(content) < 32 or content[29] not in (0, 0x57):  # of no or the "ANSI" code page
        return None
    records = content[int.from_bytes(content[8:10], "little") :]
    try:
        records.decode("ascii")
        return None
    except UnicodeDecodeError:
        pass
    try:
        records.decode("utf-8")
        encoding = "utf-8"
    except UnicodeDecodeError:
        encoding = guess_encoding(records)
    notes.append(
        f"'{path.name}' does not state its text encoding (no .cpg file); it was read as {encoding}"
    )
    return encoding


def _choose_layer(
    path: Path, source: str | bytes, class_field: str, layer: str | None, notes: list[str]
) -> int:
    """Choose the layer; tables without geometries, such as styles, are ignored."""
    import pyogrio

    listed = [(str(name), kind) for name, kind in pyogrio.list_layers(source)]
    names = [name for name, _ in listed]
    if layer is not None:
        if layer not in names:
            raise ExamplesError(
                f"the examples '{path}' have no layer '{layer}'", "", suggest(layer, names)
            )
        return names.index(layer)
    drawn = [number for number, (_, kind) in enumerate(listed) if kind is not None]
    if len(drawn) <= 1:
        return drawn[0] if drawn else 0
    named = [
        number
        for number in drawn
        if class_field
        in [str(field) for field in pyogrio.read_info(source, layer=number)["fields"]]
    ]
    if len(named) > 1:
        named = [number for number in named if names[number] == EXAMPLES_LAYER] or named
    if len(named) != 1:
        raise ExamplesError(
            f"the examples '{path}' have {len(drawn)} layers: "
            f"{', '.join(names[number] for number in drawn[:9])}",
            f"{len(named) or 'none'} of them have the attribute '{class_field}'",
            "choose one with --layer (for --check: --check_layer)"
            if named
            else "choose the attribute with --class_field",
        )
    others = ", ".join(names[number] for number in drawn if number != named[0])
    notes.append(f"of '{path.name}' the layer '{names[named[0]]}' was read, and not {others}")
    return named[0]


def _check(path: Path, info: dict[str, Any], fields: list[str], class_field: str) -> None:
    if class_field not in fields:
        listing = ", ".join(fields) or "none"
        raise ExamplesError(
            f"the examples '{path}' have no attribute '{class_field}'",
            f"their attributes are: {listing}",
            "choose the one that holds the class with --class_field",
        )
    if info["features"] > MOST_FEATURES:
        raise ExamplesError(
            f"the examples '{path}' have {info['features']:,} features",
            f"expected at most {MOST_FEATURES:,}",
            "use a part of them, or a label raster",
        )


def _read_crs(path: Path, text: str | None) -> tuple[CRS | None, bool]:
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    if text is None:
        return None, False
    try:
        return CRS.from_user_input(text), True
    except CRSError as error:
        raise ExamplesError(
            f"the CRS of the examples '{path}' is invalid: {error}",
            f"it says: {text[:80]}",
            "assign a standard CRS to the file, for example in QGIS",
        ) from error
