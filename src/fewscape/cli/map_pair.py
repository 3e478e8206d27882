"""``fewscape map --pan --ms`` by a network that was made for such pairs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from fewscape.cli import map_check, map_long, values
from fewscape.cli.map_inputs import check_overwriting
from fewscape.cli.output_options import OUTPUT_PARAMETERS, read_output_options
from fewscape.cli.pair_options import add_pair_bands

if TYPE_CHECKING:
    from fewscape.mapping import PairMapper, PixelExamples
    from fewscape.mapping.ray_engine import OpenMapper

RULE = """\
Both rasters show the same ground, one multispectral pixel for 2 x 2 or 4 x 4 panchromatic ones.
Models that learn from every drawn pixel see the bands of both as one scene on the panchromatic
grid. The networks for pairs (--model embedded_pair2 or embedded_pair4, by that ratio) give every
pixel one of the drawn classes, so draw all kinds of ground, or 'background' for the rest; polygons
teach them with the multispectral pixels whose centre they contain, points and lines with those
around them (--buffer). Without georeference, coordinates are multispectral pixels."""

SINGLE_OPTIONS = {
    "examples_are": "areas",
    "backbone": None,
    "weights": None,
    "example_scene": None,
    "example_bands": None,
    "window": None,
    "overlap": 0.25,
    "batch_size": 8,
    "threshold": None,
    "no_estimate": False,
    "precision": "auto",
    "heatmaps": False,
    "flips": "none",
    "scales": (1.0,),
    "scale": "auto",
    "resolution": None,
    "asset": None,
}
"""Options that the networks for pairs do not take, with their defaults."""

UNUSED_OPTIONS = {
    name: SINGLE_OPTIONS[name]
    for name in ("example_scene", "example_bands", "scale", "resolution", "asset")
}
"""Options that no pair takes, with their defaults."""

NETWORK_OPTIONS = {"grid": "pan", "tile": None}
"""Options that only the networks for pairs take, with their defaults."""

PAIR_OPTIONS = {"ms_bands": (1, 2, 3, 4), **NETWORK_OPTIONS}
"""Options that only a pair takes, with their defaults."""

PARAMETERS = (
    *("ms_bands", "nodata", "classes", "class_field", "label_zero", "buffer", "max_shots"),
    "grid",
    *OUTPUT_PARAMETERS,
)
"""What decides the map besides model, examples and the rasters."""

MOST_PIXELS = 100
"""Pixels that teach a class."""


def add_pair_options(group: argparse._ArgumentGroup) -> None:
    """The two rasters and the grid of the map."""
    group.add_argument("--pan", help="panchromatic raster")
    group.add_argument("--ms", help="multispectral raster of the same ground")
    add_pair_bands(group)
    group.add_argument(
        "--grid",
        default="pan",
        choices=["pan", "ms"],
        help="grid of a network's map; pan: each superpixel gets its most frequent class (pan)",
    )
    group.add_argument(
        "--tile",
        type=values.positive,
        help="side of what a network works on at a time, multispectral pixels; superpixels end "
        "there (256, or what --max_memory allows)",
    )


def is_pair(arguments: argparse.Namespace) -> bool:
    """Whether a pair is to be mapped."""
    return arguments.pan is not None or arguments.ms is not None


def is_for_pixels(arguments: argparse.Namespace) -> bool:
    """Whether a model maps the pair that sees both rasters as one scene.

    Raises:
        ConfigError: the model is neither a name nor a folder.
        ModelFolderError: the folder is incomplete or altered.
    """
    from fewscape.zoo import DEFAULT, is_pixel

    return is_pixel(arguments.model or DEFAULT)


def run(arguments: argparse.Namespace) -> int:
    """Learn from the labelled pixels, map the pair, tell what was written."""
    from fewscape.mapping import DrawnOn
    from fewscape.raster import StagedFiles, to_source

    check(arguments)
    ms = to_source(arguments.ms)
    files = (to_source(arguments.pan).file, ms.file, arguments.examples)
    check_overwriting(arguments.output, ms.stem, files)
    with StagedFiles(arguments.output):
        pass  # a folder that cannot be written is told before any work
    mapper = _make_mapper(arguments)
    name, drawn = mapper.reader.name, DrawnOn(mapper.reader.path, mapper.reader.grid)
    with map_check.checking(arguments, {name: mapper}, {name: drawn}):
        map_long.run_maps(arguments, {name: mapper}, _make_opener)
    return 0


def _make_opener(arguments: argparse.Namespace) -> OpenMapper:
    """What opens the mapper of the pair, in a process of a cluster."""
    return lambda name: _make_mapper(arguments)


def _make_mapper(arguments: argparse.Namespace) -> PairMapper:
    """The network before the pair, with what it learnt from the labelled pixels."""
    from fewscape.core import Policy
    from fewscape.mapping import (
        MapOptions,
        PairMapper,
        PairMemory,
        PairScene,
        PairSegmenter,
        read_pixel_examples,
    )
    from fewscape.raster import PanMsReader, Retry
    from fewscape.zoo import load_pair_model

    retry = Retry(arguments.tries, arguments.retry_delay)
    files = arguments.pan, arguments.ms
    with PanMsReader(*files, arguments.ms_bands, nodata=arguments.nodata, retry=retry) as reader:
        model, opened = load_pair_model(arguments.model)
        examples = read_pixel_examples(
            arguments.examples,
            reader,
            arguments.class_field,
            arguments.label_zero,
            arguments.classes,
            arguments.max_shots or MOST_PIXELS,
            arguments.buffer,
        )
        _tell(examples, arguments.examples)
        has_patches = arguments.vectors or arguments.min_area > 0
        memory = PairMemory.make(
            reader, model.config.width, arguments.max_memory, has_patches, arguments.tile
        )
        policy = Policy.choose(arguments.device, "float32")
        scene = PairScene(reader, model, policy, memory.tile)
        segmenter = PairSegmenter(scene, examples)
    parameters = {name: getattr(arguments, name) for name in PARAMETERS}
    parameters |= {"tile": memory.tile, "device": policy.device.type}
    options = MapOptions(
        vectors=arguments.vectors,
        preview=arguments.preview,
        tags={
            "MODEL": opened.path.name,
            "MODEL_SHA256": str(opened.config["sha256"]),
            "EXAMPLES": examples.source,
            "EXAMPLES_SHA256": examples.sha256,
            "PARAMETERS": json.dumps(parameters),
        },
        resume=True,
        max_memory=arguments.max_memory,
        outputs=read_output_options(arguments),
    )
    return PairMapper(reader, scene, segmenter, options, arguments.grid)


def check(arguments: argparse.Namespace) -> None:
    """See that everything was given that a pair needs, and nothing that it does not take.

    Raises:
        ConfigError: something is missing, or is of no use.
    """
    from fewscape.core import ConfigError

    if arguments.scenes:
        raise ConfigError(
            f"the scene '{arguments.scenes[0]}' was given beside --pan and --ms",
            "a pair is mapped by itself",
            "leave it out, or map it in a run of its own",
        )
    needed = {
        "pan": "the panchromatic raster is",
        "ms": "the multispectral raster is",
        "examples": "the examples are",
    }
    for name, what in needed.items():
        if getattr(arguments, name) is None:
            raise ConfigError(
                f"{what} missing",
                "a pair is mapped with --pan FILE --ms FILE --examples FILE",
                f"add --{name} FILE",
            )
    what = "was given beside --pan and --ms"
    values.refuse(arguments, {"bands": None}, what, "a pair's bands are those of --ms_bands")
    if not is_for_pixels(arguments):
        values.refuse(arguments, SINGLE_OPTIONS, what, "a network for pairs does not take it")
        return
    values.refuse(arguments, UNUSED_OPTIONS, what, "a pair does not take it")
    what = f"was given to the model '{arguments.model}'"
    why = "only the networks for pairs take it, such as --model embedded_pair4"
    values.refuse(arguments, NETWORK_OPTIONS, what, why)


def _tell(examples: PixelExamples, path: Path) -> None:
    """How many pixels teach each class."""
    for number, name in enumerate(examples.class_names):
        print(f"{name}: {(examples.owners == number).sum()} pixels from {path}")
