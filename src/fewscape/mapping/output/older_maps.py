"""Find the files of earlier maps of a scene, which a new map replaces."""

from __future__ import annotations

import glob
import json
from pathlib import Path

from fewscape.core import SceneError
from fewscape.mapping.output.preview import SOFTWARE
from fewscape.raster.gdal import open_raster
from fewscape.raster.vectors.geopackage import LAYER

VERSION = "FEWSCAPE_VERSION"
"""Tag of every raster written by fewscape."""


def find_older_files(folder: Path, stem: str) -> list[str]:
    """Names of the files of earlier maps of a scene, with any classes and options.

    Only files whose tags name fewscape and this scene are included.

    Args:
        folder: output folder.
        stem: prefix of the map's file names.
    """
    start = glob.escape(stem)
    rasters = [path for path in folder.glob(f"{start}_*.tif") if _is_raster(path, stem)]
    styles = [path.with_suffix(".qml") for path in rasters]
    others = {
        f"{stem}.gpkg": _is_polygons,
        f"{stem}_preview.png": _is_preview,
        f"{stem}.stac.json": _is_item,
    }
    found = [folder / name for name, is_ours in others.items() if is_ours(folder / name)]
    return sorted(path.name for path in (*rasters, *styles, *found) if path.is_file())


def _is_raster(path: Path, stem: str) -> bool:
    try:
        with open_raster(path) as dataset:
            tags = dataset.tags()
    except SceneError:
        return False
    scene = tags.get("SCENE") or tags.get("MS", "")
    return VERSION in tags and Path(scene).stem == stem


def _is_polygons(path: Path) -> bool:
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError

    if not path.is_file():
        return False
    try:
        told = pyogrio.read_info(path, layer=LAYER).get("dataset_metadata") or {}
    except (DataSourceError, DataLayerError):
        return False
    return VERSION in told


def _is_preview(path: Path) -> bool:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            return picture.info.get("Software") == SOFTWARE
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError):
        return False


def _is_item(path: Path) -> bool:
    try:
        item = json.loads(path.read_bytes())
        return "fewscape" in item["properties"]["processing:software"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
