"""The options of ``fewscape map``: the fields of a request, with their help; no default is here."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from fewscape.cli import values
from fewscape.cli.pair_options import add_pair_bands
from fewscape.request.map_request import (
    CHOICES,
    DEFAULTS,
    NETWORK_SHOTS,
    NETWORK_THRESHOLD,
    PAIR_SHOTS,
    PIXEL_WINDOW,
)

EXAMPLES_RULE = """\
Polygons, lines and points (GeoPackage, GeoJSON, Shapefile; any reference system) with a class
attribute, the JSON of labelme or COCO, or a label raster on the scene's grid. Every drawn pixel
teaches its class, wherever it lies in the scene; networks learn from crops around what was drawn.
What unlabelled ground counts as: inside polygons of the class 'area', which mean that everything
in them was drawn, background; elsewhere unknown. With --examples_are objects, the ring around each
polygon (half its diameter wide, 8 to 64 pixels) is background, too. Polygons of 'background' are
background for all classes. Polygons of 'ignore' and ground that was drawn as two classes teach
nothing. Without georeference, coordinates are pixels: x the column, y the row."""

SCENE_RULE = """\
A SCENE is a raster that GDAL reads (a path, http(s):// or s3:// address, /vsi... path, VRT), a
folder of them, a pattern in quotes such as 'tiles/*.tif', a text file (.txt, .lst) with one a
line, or a STAC item or item collection (.json). What lies on the network is read piece by piece
and tried again when it fails; a store's login comes from the variables that GDAL knows."""

PAIR_RULE = """\
Both rasters show the same ground, one multispectral pixel for 2 x 2 or 4 x 4 panchromatic ones.
Models that learn from every drawn pixel see the bands of both as one scene on the panchromatic
grid. The networks for pairs (--model embedded_pair2 or embedded_pair4, by that ratio) give every
pixel one of the drawn classes, so draw all kinds of ground, or 'background' for the rest; polygons
teach them with the multispectral pixels whose centre they contain, points and lines with those
around them (--buffer). Without georeference, coordinates are multispectral pixels."""

LONG_RULE = """\
Finished parts lie in a hidden folder under --output until the map is written. A run that was
killed is continued by the same command, to the same bytes. The jobs of an array make one shard
each with --shard; 'fewscape merge OUTPUT' then writes the maps."""

CHECK_RULE = """\
Polygons, points or a label raster that did not teach the network, read as --examples are. Of the
checked pixels the confusion matrix, IoU, user's and producer's accuracy are told. Areas and the
accuracies of the whole map are estimated after Olofsson et al. (2014); they hold if the polygons
are a random sample of the ground of each mapped class. Intervals come from weighing polygons anew:
one counts once, however many pixels it has. Draw 'background' (or 'area'), too: without, nobody
sees what is mapped where nothing is."""


def add_examples(parser: argparse.ArgumentParser) -> None:
    """What teaches."""
    group = parser.add_argument_group("examples", EXAMPLES_RULE)
    _add(
        group,
        "examples",
        "polygons or label raster; a supervised model knows its classes without",
        type=Path,
    )
    _add(group, "class_field", "attribute that names the class (%(default)s)")
    _add(group, "layer", "layer of a file with several; the only one with that attribute")
    _add(
        group,
        "label_zero",
        "what 0 in a label raster means; auto: as classes.json says, else background",
    )
    _add(
        group,
        "examples_are",
        "polygons are pieces of some ground, such as part of a lake, or whole objects, such "
        "as a roof, with background around them (%(default)s)",
    )
    _add(
        group,
        "buffer",
        "how far points and lines reach: 2 or 2px pixels, 3m metres on the ground (%(default)s)",
    )
    _add(group, "classes", "only these classes, comma-separated", type=values.names)
    _add(group, "example_scene", "scene of the examples; the first SCENE if not given")
    _add(group, "example_bands", "its bands; as --bands if not given", type=values.band_names)
    _add(
        group,
        "max_shots",
        f"crops that teach a network a class, at most ({NETWORK_SHOTS}); one for pairs, pixels "
        f"({PAIR_SHOTS})",
        type=values.positive,
    )


def add_scene(parser: argparse.ArgumentParser) -> None:
    """How scenes are read."""
    group = parser.add_argument_group("scene", SCENE_RULE)
    _add(
        group,
        "bands",
        "bands to use, by number or by the file's names for them, as red,green,blue (all; of "
        "a network, 1,2,3 as its red, green and blue, or 1,1,1 for a single band)",
        type=values.band_names,
    )
    _add(
        group,
        "scale",
        "auto: uint8 as it is, other types from the scene's 2nd to its 98th percentile",
    )
    _add(group, "nodata", "value without data, if the file has none", type=float)
    _add(
        group,
        "resolution",
        "metres on the ground to which the pixels of all scenes are brought; that of the "
        "model's training where it states one",
        type=values.metres,
    )
    _add(group, "asset", "asset of STAC items; the one with the role data or visual")
    _add(group, "tries", "tries to read over the network (%(default)s)", type=values.positive)
    _add(
        group,
        "retry_delay",
        "seconds before the second try, doubled before each further one (%(default)g)",
        type=float,
    )


def add_pair(parser: argparse.ArgumentParser) -> None:
    """The two rasters and the grid of the map."""
    group = parser.add_argument_group("panchromatic and multispectral pair", PAIR_RULE)
    _add(group, "pan", "panchromatic raster")
    _add(group, "ms", "multispectral raster of the same ground")
    add_pair_bands(group)
    _add(
        group,
        "grid",
        "grid of a network's map; pan: each superpixel gets its most frequent class (%(default)s)",
    )
    _add(
        group,
        "tile",
        "side of what a network works on at a time, multispectral pixels; superpixels end "
        "there (256, or what --max_memory allows)",
        type=values.positive,
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """What maps, and how it is asked."""
    group = parser.add_argument_group("model")
    _add(group, "model", "name, model folder, or class path package.module:Class (ensemble)")
    _add(group, "backbone", "backbone of a network given by name")
    _add(group, "weights", "weights of that backbone: a file or a hub name")
    _add(
        group,
        "window",
        f"window side, pixels ({PIXEL_WINDOW}; of a network, as in training, or 256)",
        type=values.positive,
    )
    _add(
        group,
        "overlap",
        "share of the window that neighbours share (%(default)s)",
        type=float,
    )
    _add(group, "batch_size", "windows at a time (%(default)s)", type=values.positive)
    _add(
        group,
        "threshold",
        "probability from which a class is mapped (what is most probable; of a network, "
        f"{NETWORK_THRESHOLD})",
        type=values.share,
    )
    _add(
        group,
        "no_estimate",
        "faster: learn once, and do not tell by the examples how right the map will be",
    )
    _add(
        group,
        "flips",
        "mirrored and turned views that are averaged, of supervised models (%(default)s)",
    )
    _add(
        group,
        "scales",
        "sizes that are averaged, such as 0.75,1,1.25, of supervised models "
        f"({_list(DEFAULTS['scales'])})",
        type=values.scales,
    )
    _add(group, "device", "auto, cpu or cuda")
    _add(group, "precision", None)


def add_long_runs(parser: argparse.ArgumentParser) -> None:
    """Cost, memory, shards and clusters."""
    group = parser.add_argument_group("long runs", LONG_RULE)
    _add(group, "dry_run", "tell the cost and map nothing")
    _add(
        group,
        "max_memory",
        "such as 2GB, for all of the mapping beside the network and the libraries",
        type=values.num_bytes,
    )
    _add(group, "shard", "make only this shard, such as 3/16", type=values.shard)
    _add(group, "engine", "ray: on a Ray cluster (%(default)s)")
    _add(
        group,
        "ray_address",
        "of a running cluster, such as auto; Ray is started here without",
    )
    _add(group, "workers", "networks at a time on the cluster (%(default)s)", type=values.positive)


def add_check(parser: argparse.ArgumentParser) -> None:
    """What the finished map is scored with."""
    group = parser.add_argument_group("check", CHECK_RULE)
    _add(
        group,
        "check",
        "polygons, points or label raster to score the finished map with",
        type=Path,
        metavar="FILE",
    )
    _add(group, "check_layer", "its layer, as --layer is that of the examples")


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Which files are written, and in which form."""
    group = parser.add_argument_group("outputs")
    _add(
        group,
        "min_area",
        "smaller patches become background, in the class map and in the polygons: square "
        "metres, pixels where the scene has no reference system",
        type=float,
        metavar="M2",
    )
    _add(
        group,
        "simplify",
        "simpler polygons whose neighbours still share their border: metres, pixels where "
        "the scene has no reference system; 1 to 3 times the pixel's side smooths its stairs",
        type=float,
        metavar="TOLERANCE",
    )
    _add(group, "cog", "write the rasters as cloud optimized GeoTIFFs")
    _add(group, "stac", "write a STAC item (needs the extra 'stac')")
    _add(group, "vectors", "write no polygons")
    _add(group, "preview", "draw no preview")
    _add(
        group,
        "styles",
        "write no styles for QGIS (.qml beside the rasters, and one in the GeoPackage)",
    )
    _add(group, "heatmaps", "write where BiCoR-Seg looked for each class")


def _add(group: argparse._ArgumentGroup, name: str, text: str | None, **more: Any) -> None:  # noqa: ANN401 (argparse's own)
    """The option of a field: a switch for true and false, choices where there are some."""
    default = DEFAULTS[name]
    if isinstance(default, bool):
        more["action"] = "store_false" if default else "store_true"
    elif name in CHOICES:
        more["choices"] = CHOICES[name]
    option = f"--no_{name}" if default is True else f"--{name}"
    group.add_argument(option, dest=name, default=default, help=text, **more)


def _list(numbers: tuple[float, ...]) -> str:
    return ",".join(f"{number:g}" for number in numbers)
