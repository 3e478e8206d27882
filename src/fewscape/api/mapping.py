"""``map_scene`` and ``map_pan_ms``."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from affine import Affine

from fewscape.api.arrays import Place, SceneInput, is_in_memory, read_array
from fewscape.api.staging import (
    LogReporter,
    choose_field,
    make_request,
    name_scene,
    stage_examples,
    stage_scene,
)
from fewscape.api.tables import ExamplesInput
from fewscape.core import ConfigError
from fewscape.raster.writing.staging import report_write_errors
from fewscape.request import Reporter
from fewscape.request.map_result import MapResult
from fewscape.request.running import run_map


def map_scene(
    scene: SceneInput,
    examples: ExamplesInput | None = None,
    output: Path | str | None = None,
    *,
    example_scene: SceneInput | None = None,
    crs: Any = None,  # noqa: ANN401 (what rasterio takes)
    transform: Place | None = None,
    reporter: Reporter | None = None,
    **options: Any,  # noqa: ANN401 (fields of a request)
) -> MapResult:
    """Map a scene from a few examples.

    The result is byte for byte that of ``fewscape map`` with the same options.

    Args:
        scene: path or address of a raster, an array (C, H, W) or (H, W), or a DataArray.
        examples: polygons, lines and points with a class, as a file or a GeoDataFrame, or a label
            raster; not needed for supervised models.
        output: folder for the files; a temporary folder that lives as long as the result if not
            given.
        example_scene: scene that the examples were drawn on, if it is not ``scene``.
        crs: CRS of an array, such as ``"EPSG:32632"``.
        transform: transform of an array, from column and row to x and y. Without one, the examples
            are in columns and rows.
        reporter: receives progress and warnings; warnings are logged if not given.
        options: other fields of ``MapRequest``, such as ``model="random_forest"``.

    Raises:
        FewscapeError: the scene cannot be mapped; the message says what to do.

    Examples:
        >>> import fewscape
        >>> result = fewscape.map_scene("scene.tif", "roofs.gpkg", "maps")  # doctest: +SKIP
        >>> result.paths["classes"], result.scores.mean_iou  # doctest: +SKIP
    """
    stem = name_scene(scene, "scene").stem
    with _Folders(output) as folders:
        fields = {
            "scenes": (stage_scene(scene, folders.inputs, "scene", crs=crs, transform=transform),),
            "examples": stage_examples(examples, folders.output, stem, choose_field(options)),
        }
        if example_scene is not None:
            fields["example_scene"] = stage_scene(example_scene, folders.inputs, "example_scene")
        return folders.run(fields | options, reporter)


def map_pan_ms(
    pan: SceneInput,
    ms: SceneInput,
    examples: ExamplesInput,
    output: Path | str | None = None,
    *,
    crs: Any = None,  # noqa: ANN401 (what rasterio takes)
    transform: Place | None = None,
    reporter: Reporter | None = None,
    **options: Any,  # noqa: ANN401 (fields of a request)
) -> MapResult:
    """Map a panchromatic and multispectral pair from a few examples.

    Args:
        pan: the panchromatic raster.
        ms: the multispectral raster of the same ground.
        examples: see ``map_scene``.
        output: see ``map_scene``.
        crs: CRS of arrays.
        transform: transform of the panchromatic array; that of the multispectral array follows from
            it.
        reporter: see ``map_scene``.
        options: other fields of ``MapRequest``.

    Raises:
        FewscapeError: the scene cannot be mapped; the message says what to do.
    """
    stem = name_scene(ms, "ms").stem
    coarse = _coarsen(pan, ms, transform)
    with _Folders(output) as folders:
        fields = {
            "pan": stage_scene(pan, folders.inputs, "pan", crs=crs, transform=transform),
            "ms": stage_scene(ms, folders.inputs, "ms", crs=crs, transform=coarse),
            "examples": stage_examples(examples, folders.output, stem, choose_field(options)),
        }
        return folders.run(fields | options, reporter)


class _Folders:
    """The folders of inputs and outputs; temporary ones are removed when no longer needed."""

    def __init__(self, output: Path | str | None) -> None:
        self._given = output
        self._stack = ExitStack()
        self._is_kept = False

    def __enter__(self) -> _Folders:
        made = tempfile.TemporaryDirectory(prefix="fewscape-")
        self.inputs = Path(self._stack.enter_context(made))
        if self._given is None:
            self.output = Path(tempfile.mkdtemp(prefix="fewscape-"))
            self._stack.callback(self._discard)
        else:
            self.output = Path(self._given)
            with report_write_errors(self.output):
                self.output.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def run(self, fields: dict[str, Any], reporter: Reporter | None) -> MapResult:
        """Run a request that makes one map.

        Raises:
            ConfigError: the request makes no whole map, or several.
        """
        request = make_request({**fields, "output": self.output})
        if request.dry_run or request.shard is not None:
            raise ConfigError(
                "dry_run or shard was given",
                "there is no map to return",
                "use fewscape.request.running.run_map(MapRequest(...))",
            )
        made = run_map(request, reporter or LogReporter())
        if len(made) != 1:
            raise ConfigError(
                f"'{request.scenes[0]}' stands for {len(made)} scenes",
                "expected one",
                "map them in a loop, or with 'fewscape map'",
            )
        if self._given is None:
            self._is_kept = True
            weakref.finalize(made[0], shutil.rmtree, self.output, ignore_errors=True)
        return made[0]

    def _discard(self) -> None:
        if not self._is_kept:
            shutil.rmtree(self.output, ignore_errors=True)


def _coarsen(pan: SceneInput, ms: SceneInput, transform: Place | None) -> Place | None:
    """Transform of the multispectral array, from that of the panchromatic one."""
    if transform is None or not (is_in_memory(pan) and is_in_memory(ms)):
        return transform if is_in_memory(ms) else None
    fine = read_array(pan, transform=transform)
    ratio = fine.values.shape[-1] / read_array(ms).values.shape[-1]
    return None if fine.transform is None else fine.transform @ Affine.scale(ratio)
