"""``fewscape map``: a few polygons and scenes in, maps out."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fewscape.cli import map_check, map_long, map_pair, values
from fewscape.cli.map_inputs import RULE as SCENE_RULE
from fewscape.cli.map_inputs import (
    add_input_options,
    check_overwriting,
    open_scene,
    open_scenes,
)
from fewscape.cli.map_models import make_segmenter
from fewscape.cli.map_pixel import move_to
from fewscape.cli.output_options import add_output_options, read_output_options

if TYPE_CHECKING:
    from fewscape.mapping import MapOptions
    from fewscape.mapping.ray_engine import OpenMapper
    from fewscape.raster import Source

EXAMPLE = """\
fewscape map scene.tif --examples roofs.gpkg --output maps
fewscape map pan.tif --bands 1,1,1 --examples buildings.geojson --output maps
fewscape map target.jpg --examples labels.png --example_scene source.jpg --classes water \\
    --output maps
fewscape map scene.tif --model runs/mine/best --output maps
fewscape map https://example.org/town.tif tiles/ --examples roofs.gpkg --bands red,green,blue \\
    --resolution 0.5 --output maps
fewscape map --pan pan.tif --ms ms.tif --examples fields.gpkg --output maps"""

RULE = """\
Polygons, lines and points (GeoPackage, GeoJSON, Shapefile; any reference system) with a class
attribute, or a label raster on the scene's grid. Every drawn pixel teaches its class, wherever
it lies in the scene; networks learn from crops around what was drawn. What unlabelled ground
counts as: inside polygons of the class 'area', which mean that everything in them was drawn,
background; elsewhere unknown. With --examples_are objects, the ring around each polygon (half its
diameter wide, 8 to 64 pixels) is background, too. Polygons of 'background' are background for all
classes. Polygons of 'ignore' and ground that was drawn as two classes teach nothing. Without
georeference, coordinates are pixels: x the column, y the row."""


CACHE_BYTES = 64 << 20
"""GDAL's block cache before the mapping."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help="raster to map")
    parser.add_argument("--output", type=Path, required=True, help="folder for the maps")
    _add_examples(parser.add_argument_group("examples", RULE))
    add_input_options(parser.add_argument_group("scene", SCENE_RULE))
    map_pair.add_pair_options(
        parser.add_argument_group("panchromatic and multispectral pair", map_pair.RULE)
    )
    _add_model(parser.add_argument_group("model"))
    map_long.add_long_options(parser.add_argument_group("long runs", map_long.RULE))
    map_check.add_check_options(parser.add_argument_group("check", map_check.RULE))
    outputs = parser.add_argument_group("outputs")
    add_output_options(outputs)
    outputs.add_argument(
        "--heatmaps", action="store_true", help="write where BiCoR-Seg looked for each class"
    )


def _add_examples(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--examples",
        type=Path,
        help="polygons or label raster; a supervised model knows its classes without",
    )
    group.add_argument(
        "--class_field", default="class", help="attribute that names the class (class)"
    )
    group.add_argument(
        "--label_zero",
        default="auto",
        choices=["auto", "background", "unknown"],
        help="what 0 in a label raster means; auto: as classes.json says, else background",
    )
    group.add_argument(
        "--examples_are",
        default="areas",
        choices=["areas", "objects"],
        help="polygons are pieces of some ground, such as part of a lake, or whole objects, such "
        "as a roof, with background around them (areas)",
    )
    group.add_argument(
        "--buffer",
        default="1.5",
        help="how far points and lines reach: 2 or 2px pixels, 3m metres on the ground (1.5)",
    )
    group.add_argument("--classes", type=values.names, help="only these classes, comma-separated")
    group.add_argument(
        "--example_scene", help="scene of the examples; the first SCENE if not given"
    )
    group.add_argument(
        "--example_bands", type=values.band_names, help="its bands; as --bands if not given"
    )
    group.add_argument(
        "--max_shots",
        type=values.positive,
        help="crops that teach a network a class, at most (5); one for pairs, pixels (100)",
    )


def _add_model(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--model", help="name or model folder (ensemble)")
    group.add_argument("--backbone", help="backbone of a network given by name")
    group.add_argument("--weights", help="weights of that backbone: a file or a hub name")
    group.add_argument(
        "--window",
        type=values.positive,
        help="window side, pixels (512; of a network, as in training, or 256)",
    )
    group.add_argument(
        "--overlap", type=float, default=0.25, help="share of the window that neighbours share"
    )
    group.add_argument(
        "--batch_size", type=values.positive, default=8, help="windows at a time (8)"
    )
    group.add_argument(
        "--threshold",
        type=values.share,
        help="probability from which a class is mapped (what is most probable; of a network, 0.5)",
    )
    group.add_argument(
        "--no_estimate",
        action="store_true",
        help="faster: learn once, and do not tell by the examples how right the map will be",
    )
    group.add_argument(
        "--flips",
        default="none",
        choices=["none", "h", "hv", "d4"],
        help="mirrored and turned views that are averaged, of supervised models (none)",
    )
    group.add_argument(
        "--scales",
        type=values.scales,
        default=(1.0,),
        help="sizes that are averaged, such as 0.75,1,1.25, of supervised models (1)",
    )
    group.add_argument("--device", default="auto", help="auto, cpu or cuda")
    group.add_argument("--precision", default="auto", choices=["auto", "float32", "bfloat16"])


def run(arguments: argparse.Namespace) -> int:
    """Learn from the examples, map every scene, tell what was written."""
    from fewscape.raster.gdal import limit_cache

    if arguments.engine == "here":
        defaults = {"workers": 2, "ray_address": None}
        values.refuse(
            arguments, defaults, "was given without --engine ray", "only a cluster has it"
        )
    map_check.check_options(arguments)
    with limit_cache(CACHE_BYTES):  # whatever is read before the mapping, which has its own
        if map_pair.is_pair(arguments) and not map_pair.is_for_pixels(arguments):
            return map_pair.run(arguments)
        return _run(arguments)


def _run(arguments: argparse.Namespace) -> int:
    from fewscape.mapping import DrawnOn, SceneMapper
    from fewscape.raster import StagedFiles, to_source
    from fewscape.zoo import DEFAULT

    arguments.model = arguments.model or DEFAULT
    sources = _find_sources(arguments)
    others = filter(None, (arguments.example_scene, arguments.pan))
    given = [*sources, *map(to_source, others)]
    for source in sources:
        files = (*(other.file for other in given), arguments.examples)
        check_overwriting(arguments.output, source.stem, files)
    with StagedFiles(arguments.output):
        pass  # a folder that cannot be written is told before any work
    segmenter, tags, example = make_segmenter(arguments, sources)
    options = _read_options(arguments, tags)
    scenes = open_scenes(arguments, sources, example)
    mappers = {
        scene.source.stem: SceneMapper(scene, move_to(segmenter, scene, example), options)
        for scene in scenes
    }
    drawn = {scene.source.stem: DrawnOn(scene.path, scene.own_grid) for scene in scenes}
    with map_check.checking(arguments, mappers, drawn):
        map_long.run_maps(arguments, mappers, partial(_make_opener, sources=_resolve(sources)))
    return 0


def _find_sources(arguments: argparse.Namespace) -> list[Source]:
    """The scenes; of a pair the raster that the map is named after."""
    from fewscape.core import ConfigError
    from fewscape.raster import Retry, find_sources, to_source

    if map_pair.is_pair(arguments):
        map_pair.check(arguments)
        return [to_source(arguments.ms)]
    values.refuse(
        arguments, map_pair.PAIR_OPTIONS, "was given without --pan and --ms", "only a pair takes it"
    )
    if not arguments.scenes:
        raise ConfigError(
            "no scene was given",
            "expected at least one raster, or a pair with --pan FILE and --ms FILE",
            "see: fewscape map --help",
        )
    retry = Retry(arguments.tries, arguments.retry_delay)
    sources = find_sources(arguments.scenes, arguments.asset, retry)
    _check_names(sources)
    return sources


def _make_opener(arguments: argparse.Namespace, sources: Mapping[str, Source]) -> OpenMapper:
    """What opens the mapper of a scene, in a process of a cluster."""
    from fewscape.mapping import SceneMapper

    segmenter, tags, example = make_segmenter(arguments, list(sources.values()))
    options = _read_options(arguments, tags)

    def open_mapper(stem: str) -> SceneMapper:
        scene = open_scene(arguments, sources[stem], arguments.bands)
        return SceneMapper(scene, move_to(segmenter, scene, example), options)

    return open_mapper


def _read_options(arguments: argparse.Namespace, tags: Mapping[str, str]) -> MapOptions:
    from fewscape.mapping import MapOptions

    return MapOptions(
        arguments.overlap,
        arguments.batch_size,
        arguments.vectors,
        arguments.preview,
        tags,
        resume=True,
        max_memory=arguments.max_memory,
        outputs=read_output_options(arguments),
        drawings=getattr(arguments, "drawings", None),
        notes=getattr(arguments, "notes", ()),
    )


def _resolve(sources: Sequence[Source]) -> dict[str, Source]:
    """By what their maps are called, for processes that run in other folders."""
    return {
        source.stem: source
        if source.file is None
        else replace(source, address=str(source.file.resolve()))
        for source in sources
    }


def _check_names(sources: Sequence[Source]) -> None:
    """Maps are named after scenes, so two of one name would overwrite each other."""
    from fewscape.core import ConfigError

    name, count = Counter(source.stem for source in sources).most_common(1)[0]
    if count > 1:
        same = [str(source) for source in sources if source.stem == name]
        raise ConfigError(
            f"{count} scenes are called '{name}', such as '{same[0]}' and '{same[1]}'",
            "their maps would overwrite each other",
            "map them in several runs with different --output",
        )
