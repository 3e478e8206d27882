"""Write polygons and their style to a GeoPackage."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fewscape.raster.georeference import Georeference, Points
from fewscape.raster.vectors.measuring import GroundMeasure
from fewscape.raster.vectors.patches import Patch
from fewscape.raster.writing.staging import report_write_errors

LAYER = "polygons"
"""Name of the layer and its table."""

BATCH = 5_000
"""Polygons per batch."""


class PolygonSink:
    """Appends patches to a GeoPackage in batches.

    Args:
        path: file to write.
        grid: georeference of the polygons.
        names: K class names.
        scored: whether the patches have scores.
        origin: fields with the same value for all polygons.
        metadata: text stored in the file.
    """

    FIELDS = ("class", "class_id", "score", "area_m2", "perimeter_m", "pixels")

    def __init__(
        self,
        path: Path,
        grid: Georeference,
        names: Sequence[str],
        scored: bool,
        origin: Mapping[str, str | np.datetime64],
        metadata: Mapping[str, str],
    ) -> None:
        self.path = path
        self.grid = grid
        self.names = names
        self.scored = scored
        self.origin = origin
        self.metadata = metadata
        self.measure = GroundMeasure(grid)
        self.count = 0
        self._batch: list[Patch] = []
        self._begun = False

    def add(self, patches: Iterable[Patch]) -> None:
        """Add patches; full batches are written."""
        for patch in patches:
            self._batch.append(patch)
            if len(self._batch) == BATCH:
                self.flush()

    def flush(self) -> None:
        """Write the pending patches; the first call creates the file, even if empty."""
        import pyogrio
        import shapely

        if self._begun and not self._batch:
            return
        pixels = np.array([patch.outline() for patch in self._batch], dtype=object)
        ground = shapely.transform(pixels, self._place)
        with report_write_errors(self.path), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "'crs' was not provided")
            pyogrio.raw.write(
                self.path,
                shapely.to_wkb(ground),
                self._columns(*self.measure.measure_outlines(pixels)),
                [*self.FIELDS, *self.origin],
                layer=LAYER,
                driver="GPKG",
                geometry_type="Polygon",
                crs=self.grid.crs.to_wkt() if self.grid.crs else None,
                append=self._begun,
                dataset_metadata=None if self._begun else dict(self.metadata),
            )
        self.count += len(self._batch)
        self._batch = []
        self._begun = True

    def _place(self, points: Points) -> Points:
        """Transform columns and rows (N, 2) to coordinates; rows are negated without a CRS.

        QGIS shows images without a georeference this way, so the polygons are drawn on the image.
        """
        return points * (1, -1) if self.grid.is_pixel_grid else self.grid.to_ground(points)

    def _columns(
        self, areas: npt.NDArray[np.float64], perimeters: npt.NDArray[np.float64]
    ) -> list[npt.NDArray[np.generic]]:
        scores = [patch.score if self.scored else np.nan for patch in self._batch]
        return [
            np.array([self.names[patch.class_id - 1] for patch in self._batch], dtype=object),
            np.array([patch.class_id for patch in self._batch], np.int32),
            np.array(scores, np.float64).round(4),
            areas.round(2),
            perimeters.round(2),
            np.array([patch.pixels for patch in self._batch], np.int64),
            *(
                np.full(len(self._batch), value, object if isinstance(value, str) else value.dtype)
                for value in self.origin.values()
            ),
        ]


STYLES = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256),
    f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
    useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
    update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
)"""
"""QGIS's table of styles, as QGIS creates it."""


def add_default_style(path: Path, name: str, qml: str) -> None:
    """Store a style in a GeoPackage; QGIS applies it when the polygons are loaded.

    Args:
        path: GeoPackage with one layer, as written by ``PolygonSink``.
        name: name of the style.
        qml: the style in QGIS's format.

    Raises:
        OutputError: the file cannot be written.
    """
    with report_write_errors(path), closing(sqlite3.connect(path)) as database, database:
        column = database.execute("SELECT column_name FROM gpkg_geometry_columns").fetchone()[0]
        database.execute(STYLES)
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description) "
            "VALUES ('layer_styles', 'attributes', 'layer_styles', '')"
        )
        database.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
            "f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description) "
            "VALUES ('', '', ?, ?, ?, ?, '', 1, ?)",
            (LAYER, column, name, qml, "made by fewscape"),
        )
