"""Make the other files of a map from its rasters: polygons, styles, overviews, a STAC item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fewscape.core import ConfigError, SceneError, require
from fewscape.raster import (
    Georeference,
    PolygonOptions,
    StagedFiles,
    add_overviews,
    make_cog,
    sieve_map,
    vectorise_map,
)
from fewscape.raster.grid import STRIP_PIXELS
from fewscape.raster.writing.palette import BARE_GROUND, Colour
from fewscape.raster.writing.qml import style_classes, style_ramp
from fewscape.raster.writing.stac_item import (
    ItemAsset,
    describe_classes,
    describe_numbers,
    write_item,
)
from fewscape.raster.writing.staging import report_write_errors

GEOTIFF = "image/tiff; application=geotiff"
COG = f"{GEOTIFF}; profile=cloud-optimized"
"""Media types of the rasters."""

DATE_CHARACTERS = len("2026-01-31")
"""Characters of a timestamp that give the day."""

HASH_DIGITS = 12
"""Digits of the weights' hash in the polygons' field ``model``."""


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """Postprocessing of the rasters of a map."""

    min_area: float = 0.0
    """Smaller patches become background: square metres, or pixels without a CRS."""
    simplify: float = 0.0
    """Tolerance of polygon simplification: metres, or pixels without a CRS; 0 for none."""
    cog: bool = False
    """Whether the rasters become cloud optimized GeoTIFFs."""
    styles: bool = True
    """Whether to write QGIS styles beside the rasters and into the GeoPackage."""
    stac: bool = False
    """Whether to write a STAC item."""

    def check(self, scene: Path | str, grid: Georeference) -> None:
        """Check before mapping that all requested output can be made.

        Raises:
            ConfigError: a negative area or tolerance, or GEOS is too old to simplify.
            SceneError: a STAC item was requested and the scene has no CRS.
            MissingPackageError: a STAC item was requested and pystac is not installed.
        """
        import shapely

        for name, value in (("min_area", self.min_area), ("simplify", self.simplify)):
            if not 0 <= value < np.inf:
                raise ConfigError(
                    f"--{name} {value} was given",
                    "expected a number from 0, in metres or square metres, or in pixels for a "
                    "scene without a CRS",
                    f"leave out --{name}, or use for example --{name} 2",
                )
        if self.simplify and shapely.geos_version < (3, 12):
            found = ".".join(map(str, shapely.geos_version))
            raise ConfigError(
                f"polygons cannot be simplified with GEOS {found}",
                "shared borders need GEOS 3.12",
                "install shapely from its wheel: pip install --force-reinstall shapely",
            )
        if self.stac:
            require("pystac", "stac")
            if grid.equal_area_crs() is None:
                raise SceneError(
                    f"the scene '{scene}' has no coordinate reference system",
                    "a STAC item needs a position on the earth",
                    "leave out --stac, or assign a CRS to the scene (gdal_edit -a_srs)",
                )


@dataclass(frozen=True, slots=True)
class WrittenMap:
    """The rasters of a map with their description."""

    staged: StagedFiles
    """Staging folder of all files."""
    stem: str
    """Prefix of all file names."""
    scene_name: str
    """The mapped file; the multispectral one of a pair."""
    grid: Georeference
    classes: Path
    layers: Sequence[Path]
    """The other rasters, in [0, 1]."""
    probabilities: Sequence[Path]
    """Raster with the polygon scores of each of the K classes; may repeat."""
    names: Sequence[str]
    """Of the K classes."""
    colours: Sequence[Colour]
    """Of the K classes."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Provenance of the map."""

    @property
    def value_names(self) -> dict[int, str]:
        """Names of the values of the class map."""
        return dict(enumerate(("background", *self.names)))

    @property
    def value_colours(self) -> dict[int, Colour]:
        """Colours of the values of the class map."""
        return dict(enumerate((BARE_GROUND, *self.colours)))


def finish_map(
    written: WrittenMap,
    counts: npt.NDArray[np.int64],
    options: OutputOptions,
    vectors: bool = True,
    strip_pixels: int = STRIP_PIXELS,
) -> npt.NDArray[np.int64]:
    """Sieve the class map, write polygons and styles, and finalise the rasters.

    Polygons are traced on the sieved class map, so both agree.

    Args:
        written: the rasters.
        counts: pixels of background and each class; further counts are kept.
        options: see ``OutputOptions``.
        vectors: whether to write polygons.
        strip_pixels: pixels of the class map in memory at a time.

    Returns:
        The counts after sieving.

    Raises:
        OutputError: the disk is full, or a file cannot be written.
    """
    if options.min_area:
        removed = sieve_map(written.classes, options.min_area, strip_pixels // 2)
        removed = removed[1 : len(written.names) + 1]
        counts = counts.copy()
        counts[1 : len(written.names) + 1] -= removed
        counts[0] += removed.sum()
    if vectors:
        _write_polygons(written, options, strip_pixels)
    add = make_cog if options.cog else add_overviews
    add(written.classes, "mode")
    for layer in written.layers:
        add(layer, "average")
    if options.styles:
        _write_styles(written)
    return counts


def _write_polygons(written: WrittenMap, options: OutputOptions, strip_pixels: int) -> None:
    model = written.tags.get("MODEL", "")
    if "MODEL_SHA256" in written.tags:
        model += f"@{written.tags['MODEL_SHA256'][:HASH_DIGITS]}"
    vectorise_map(
        written.classes,
        written.probabilities,
        written.staged.path(f"{written.stem}.gpkg"),
        written.names,
        written.tags,
        strip_pixels,
        PolygonOptions(
            options.simplify,
            written.scene_name,
            model,
            written.tags.get("SCENE_TIME", "")[:DATE_CHARACTERS],
            written.colours if options.styles else None,
        ),
    )


def _write_styles(written: WrittenMap) -> None:
    styles = {layer: style_ramp() for layer in written.layers}
    styles[written.classes] = style_classes(written.value_names, written.value_colours)
    for raster, style in styles.items():
        path = raster.with_suffix(".qml")
        with report_write_errors(path):
            path.write_text(style, encoding="utf-8")


def describe_map(written: WrittenMap, options: OutputOptions) -> None:
    """Write the STAC item if requested; comes last, since it lists the other files.

    Raises:
        OutputError: the file cannot be written.
    """
    if not options.stac:
        return
    media_type = COG if options.cog else GEOTIFF
    classes = describe_classes(written.value_names, written.value_colours)
    assets = [
        ItemAsset("classes", written.classes, "classes", media_type, fields=classes),
        *(
            ItemAsset(
                layer.stem.removeprefix(f"{written.stem}_"),
                layer,
                layer.stem.removeprefix(f"{written.stem}_").replace("_", " "),
                media_type,
                fields=describe_numbers(),
            )
            for layer in written.layers
        ),
    ]
    others = {
        "polygons": (f"{written.stem}.gpkg", "application/geopackage+sqlite3", "data"),
        "preview": (f"{written.stem}_preview.png", "image/png", "overview"),
    }
    for key, (name, kind, role) in others.items():
        path = written.staged.path(name)
        if path.exists():
            assets.append(ItemAsset(key, path, key, kind, (role,)))
    target = written.staged.path(f"{written.stem}.stac.json")
    write_item(target, written.grid, assets, written.tags)
