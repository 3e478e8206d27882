"""The scenes of ``fewscape map``: which there are, how they are read, whether they fit."""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewscape.cli import values

if TYPE_CHECKING:
    from fewscape.raster import SceneReader, Source

RULE = """\
A SCENE is a raster that GDAL reads (a path, http(s):// or s3:// address, /vsi... path, VRT), a
folder of them, a pattern in quotes such as 'tiles/*.tif', a text file (.txt, .lst) with one a
line, or a STAC item or item collection (.json). What lies on the network is read piece by piece
and tried again when it fails; a store's login comes from the variables that GDAL knows."""

PAIR_LAYERS = ("confidence", "margin")
"""Of the map of a pair, beside the classes."""

COLOUR_BANDS = (1, 2, 3)
"""Bands that a network sees as red, green and blue if no others are chosen."""

RESAMPLING = 1.5
"""Ratio of two pixel sizes from which what was learnt at one may not be found at the other."""


def add_input_options(group: argparse._ArgumentGroup) -> None:
    """How scenes are read."""
    group.add_argument(
        "--bands",
        type=values.band_names,
        help="bands to use, by number or by the file's names for them, as red,green,blue (all; of "
        "a network, 1,2,3 as its red, green and blue, or 1,1,1 for a single band)",
    )
    group.add_argument(
        "--scale",
        default="auto",
        choices=["auto", "none", "percentile"],
        help="auto: uint8 as it is, other types from the scene's 2nd to its 98th percentile",
    )
    group.add_argument("--nodata", type=float, help="value without data, if the file has none")
    group.add_argument(
        "--resolution",
        type=values.metres,
        help="metres on the ground to which the pixels of all scenes are brought; that of the "
        "model's training where it states one",
    )
    group.add_argument("--asset", help="asset of STAC items; the one with the role data or visual")
    group.add_argument(
        "--tries", type=values.positive, default=4, help="tries to read over the network (4)"
    )
    group.add_argument(
        "--retry_delay",
        type=float,
        default=1.0,
        help="seconds before the second try, doubled before each further one (1)",
    )


def open_scene(
    arguments: argparse.Namespace, source: Source | str, bands: tuple[int | str, ...] | None
) -> SceneReader:
    """A scene with its bands, scaling and resolution; of a pair, both rasters as one.

    Raises:
        ConfigError: not three bands, for a network.
        SceneError: the file is missing, no raster, cannot be reached, or lacks a band.
    """
    from fewscape.core import ConfigError
    from fewscape.raster import PanMsScene, Retry, Scale, SceneReader
    from fewscape.zoo import is_pixel

    retry = Retry(arguments.tries, arguments.retry_delay)
    if arguments.pan is not None:
        return PanMsScene(arguments.pan, arguments.ms, arguments.ms_bands, arguments.nodata, retry)
    if is_pixel(arguments.model):
        return SceneReader(
            source, bands, Scale(arguments.scale), arguments.nodata, arguments.resolution, retry
        )
    bands = bands or COLOUR_BANDS
    if len(bands) != 3:
        raise ConfigError(
            f"{len(bands)} bands were chosen",
            "the networks take three",
            "give for example --bands 1,2,3, or 1,1,1 for a single band",
        )
    reader = SceneReader(
        source, bands, Scale(arguments.scale), arguments.nodata, arguments.resolution, retry
    )
    trained = None if arguments.resolution else _seen(arguments.model).get("ground_resolution")
    if trained is None:
        return reader
    if reader.ground_resolution is None:
        warn(f"'{reader.path.name}' does not state what a pixel measures; it is mapped as it is")
        return reader
    reader.close()
    return SceneReader(source, bands, reader.scale, arguments.nodata, float(trained), retry)


def open_scenes(
    arguments: argparse.Namespace, sources: Sequence[Source], example: SceneReader | None
) -> list[SceneReader]:
    """All scenes, each told in a line, with warnings of what may spoil its map.

    What was measured of a scene stays with its reader; its file is closed until it is mapped.

    Args:
        arguments: of the command.
        sources: the scenes.
        example: the scene of the examples, if there is one.
    """
    scenes = []
    for source in sources:
        is_example = example is not None and example.source == source
        if example is not None and is_example and arguments.example_bands is None:
            scene = example
        else:
            scene = open_scene(arguments, source, arguments.bands)
        print(_tell_scene(scene))
        _warn_of_bands(scene, "--bands" if arguments.pan is None else "--ms_bands")
        if example is None or is_example:
            _warn_of_training(scene, _seen(arguments.model).get("values"))
        if example is not None and not is_example:
            _warn_of_differences(scene, example)
        scene.close()
        scenes.append(scene)
    return scenes


def check_overwriting(output: Path, stem: str, files: Iterable[Path | None]) -> None:
    """No map may replace the examples or a raster that it is made from.

    Args:
        output: folder of the maps.
        stem: what the names of the map's files begin with.
        files: inputs on this machine.

    Raises:
        ConfigError: one would be replaced.
    """
    from fewscape.core import ConfigError

    names = (f"{stem}.gpkg", f"{stem}_preview.png", f"{stem}.stac.json")
    layers = [f"{stem}_{layer}.tif" for layer in ("classes", "*_prob", "heat_*", *PAIR_LAYERS)]
    for path in files:
        if path is None or path.resolve().parent != output.resolve():
            continue
        if path.name in names or any(path.match(layer) for layer in layers):
            raise ConfigError(
                f"the map of '{stem}' would overwrite the input '{path}'",
                "",
                "choose another folder with --output",
            )


def warn(sentence: str) -> None:
    """Tell what may go wrong, on standard error."""
    print(f"warning: {sentence}", file=sys.stderr)


@functools.cache
def _seen(model: str) -> Mapping[str, Any]:
    """What a model folder tells of the images on which it was trained."""
    from fewscape.zoo import MODELS, PIXEL_MODELS, open_folder

    return {} if model in (*MODELS, *PIXEL_MODELS) else open_folder(model).preprocess


def _tell_scene(scene: SceneReader) -> str:
    """Size, pixels, and each band with the values that become 0 and 1."""
    pixel = scene.ground_resolution
    size = f"{scene.width} x {scene.height} pixels" + (f" of {pixel:.3g} m" if pixel else "")
    if scene.is_resampled:
        size += f" (resampled from {scene.own_grid.width} x {scene.own_grid.height})"
    limits = zip(scene.band_names, *scene.limits, strict=True)
    bands = ", ".join(f"{name} {low:.5g} to {high:.5g}" for name, low, high in limits)
    return f"{scene.path.name}: {size}, {scene.dtype}; {bands}"


def _warn_of_bands(scene: SceneReader, option: str) -> None:
    from fewscape.raster import find_faults

    for fault in find_faults(scene.band_names, scene.statistics):
        warn(f"'{scene.path.name}': {fault}; choose other bands with {option} if that is wrong")


def _warn_of_training(scene: SceneReader, told: Mapping[str, Sequence[float]] | None) -> None:
    """The network has not seen such values in training; both are told as shares of white."""
    from fewscape.raster import ValueRanges, find_drift

    if told is None:
        return
    ours = scene.statistics.ranges.rescale(*scene.limits)
    whose = "the images on which the network was trained"
    for drift in find_drift(scene.band_names, ours, ValueRanges.decode(told), whose):
        warn(
            f"'{scene.path.name}': scaled to 0 to 1, {drift}; look at the map, or train on such "
            "scenes"
        )


def _warn_of_differences(scene: SceneReader, example: SceneReader) -> None:
    """Scenes whose values or pixels differ look different to a network."""
    from fewscape.raster import find_drift

    ranges = scene.statistics.ranges, example.statistics.ranges
    for drift in find_drift(scene.band_names, *ranges, "the scene of the examples"):
        warn(
            f"'{scene.path.name}': {drift}; what was learnt there may not hold here, "
            "so look at the map, or draw examples in this scene"
        )
    here, there = scene.ground_resolution, example.ground_resolution
    if here and there and max(here, there) > RESAMPLING * min(here, there):
        warn(
            f"'{scene.path.name}' has pixels of {here:.3g} m, the scene of the examples of "
            f"{there:.3g} m; --resolution {max(here, there):.3g} brings both to one size"
        )
