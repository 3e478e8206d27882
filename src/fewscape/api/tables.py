"""In-memory examples: a GeoDataFrame, written as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np

from fewscape.core import ExamplesError
from fewscape.raster.writing.staging import report_write_errors

if TYPE_CHECKING:
    import geopandas

ExamplesInput: TypeAlias = Union[str, Path, "geopandas.GeoDataFrame"]
"""A vector file, a label raster, or a table with geometries and a column of classes."""

COLOUR = "colour"
"""Optional column with the colour of a class."""


def is_table(examples: object) -> bool:
    """Whether examples are a GeoDataFrame, without importing geopandas."""
    return hasattr(examples, "geometry") and hasattr(examples, "columns")


def write_table(table: Any, path: Path, class_field: str) -> Path:  # noqa: ANN401 (a GeoDataFrame)
    """Write geometries and classes; the same table gives the same bytes.

    Args:
        table: geometries of any kind, in any CRS or none.
        path: FlatGeobuf file to write, which QGIS opens.
        class_field: column that holds the class.

    Raises:
        ExamplesError: the column does not exist.
        OutputError: the file cannot be written.
    """
    import pyogrio

    if class_field not in table.columns:
        found = ", ".join(str(name) for name in table.columns if name != table.geometry.name)
        raise ExamplesError(
            f"the table of examples has no column '{class_field}'",
            f"its columns are: {found or 'none'}",
            "set class_field to the column that holds the class",
        )
    names = [class_field, *([COLOUR] if COLOUR in table.columns else [])]
    columns = [np.array([_to_text(value) for value in table[name]], object) for name in names]
    with report_write_errors(path):
        path.unlink(missing_ok=True)
        pyogrio.raw.write(
            path,
            np.asarray(table.geometry.to_wkb(), dtype=object),
            columns,
            names,
            layer="examples",
            driver="FlatGeobuf",
            geometry_type="Unknown",
            crs=None if table.crs is None else table.crs.to_wkt(),
            SPATIAL_INDEX="NO",  # it would change the order
        )
    return path


def _to_text(value: object) -> str | None:
    """Convert to text; missing values become None, which the reader reports."""
    return None if value is None or value != value else str(value)
