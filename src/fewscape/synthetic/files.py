"""Synthetic scenes as GeoTIFF and as a folder in the generic layout."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fewscape.core import IGNORE, OutputError
from fewscape.synthetic.scenes import make_scene
from fewscape.synthetic.spec import BANDS, SYNTHETIC_CLASSES, SceneSpec, SyntheticScene


def write_scene(scene: SyntheticScene, folder: Path | str, name: str) -> tuple[Path, Path]:
    """Write ``<name>.tif`` and ``<name>_labels.tif``; return both paths.

    Args:
        scene: what to write.
        folder: where to; made if absent.
        name: stem of the files.

    Raises:
        OutputError: the folder cannot be written.
    """
    image_path = Path(folder) / f"{name}.tif"
    labels_path = Path(folder) / f"{name}_labels.tif"
    _write_image(scene, image_path)
    _write_labels(scene, labels_path)
    return image_path, labels_path


def write_folder(root: Path | str, specs: Iterable[SceneSpec]) -> list[tuple[Path, Path]]:
    """Write scenes as ``images/``, ``labels/`` of the same stem and ``classes.json``.

    Args:
        root: the data set's folder; made if absent.
        specs: one scene each, made and written in turn.

    Returns:
        Image and labels path of each scene.

    Raises:
        OutputError: the folder cannot be written.
    """
    root = Path(root)
    written = []
    for index, spec in enumerate(specs):
        scene = make_scene(spec)
        stem = f"scene_{index:04d}.tif"
        paths = root / "images" / stem, root / "labels" / stem
        _write_image(scene, paths[0])
        _write_labels(scene, paths[1])
        written.append(paths)
    classes = {str(number): name for number, name in SYNTHETIC_CLASSES.items()}
    text = json.dumps({"classes": classes, "ignore": IGNORE}, indent=1)
    _make_folder(root)
    (root / "classes.json").write_text(text + "\n", encoding="utf-8")
    return written


def _write_image(scene: SyntheticScene, path: Path) -> None:
    from rasterio.enums import ColorInterp

    colours = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.undefined)
    _write(scene, scene.image, path, BANDS, colours)


def _write_labels(scene: SyntheticScene, path: Path) -> None:
    from rasterio.enums import ColorInterp

    _write(scene, scene.labels[None], path, ("class",), (ColorInterp.gray,))


def _write(
    scene: SyntheticScene,
    bands: npt.NDArray[np.uint8],
    path: Path,
    descriptions: tuple[str, ...],
    colours: tuple[object, ...],
) -> None:
    import rasterio
    from rasterio.errors import RasterioError

    _make_folder(path.parent)
    layout = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate"}
    if len(bands) > 1:
        layout |= {"predictor": 2, "interleave": "pixel", "photometric": "RGB", "alpha": "NO"}
    try:
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            count=bands.shape[0],
            height=bands.shape[1],
            width=bands.shape[2],
            dtype="uint8",
            crs=scene.crs,
            transform=scene.transform,
            **layout,
        ) as target:
            target.write(bands)
            target.descriptions = descriptions
            target.colorinterp = colours
    except (OSError, RasterioError) as error:
        raise OutputError(f"cannot write {path}: {error}", "", "check space and rights") from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make the folder {folder}: {error.strerror}",
            "expected a place that can be written",
            "name another folder",
        ) from error
