"""The options of ``fewscape map``: the fields of a request, with their help."""

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
Polygons, lines and points (GeoPackage, GeoJSON, Shapefile; any CRS) with a class attribute, the
JSON of labelme or COCO, or a label raster on the scene's grid. Pixel models learn from every drawn
pixel, networks from crops around the drawn shapes. Undrawn ground is unknown, except inside
polygons of class 'area': there everything was drawn, so the rest is background. With
--examples_are objects, a ring around each polygon (half its diameter wide, 8 to 64 pixels) is
background as well. Polygons of class 'background' are background for all classes. Polygons of
class 'ignore' and ground drawn as two classes are not learned from. Without a georeference,
coordinates are pixels: x is the column, y the row."""

SCENE_RULE = """\
A SCENE is a raster that GDAL reads (a path, http(s):// or s3:// address, /vsi... path, VRT), a
folder of rasters, a quoted pattern such as 'tiles/*.tif', a text file (.txt, .lst) with one scene
per line, or a STAC item or item collection (.json). Remote rasters are streamed and failed reads
are retried; credentials come from GDAL's environment variables."""

PAIR_RULE = """\
Both rasters show the same ground; one multispectral pixel covers 2 x 2 or 4 x 4 panchromatic ones.
Pixel models see the bands of both as one scene on the panchromatic grid. The networks for pairs
(--model embedded_pair2 or embedded_pair4, by ratio) assign every pixel to a drawn class, so draw
every kind of ground, or 'background' for the rest. They learn from the multispectral pixels whose
centre is inside a polygon or within --buffer of a point or line. Without a georeference,
coordinates are multispectral pixels."""

LONG_RULE = """\
Finished parts are kept in a hidden folder under --output until the map is written. Run the same
command again to resume a killed run; the result is the same, byte for byte. In a job array, each
job makes one shard with --shard; 'fewscape merge OUTPUT' then writes the maps."""

CHECK_RULE = """\
Polygons, points or a label raster that the model did not learn from, read like --examples. The
report has the confusion matrix, IoU, user's and producer's accuracy of the checked pixels. Areas
and accuracies of the whole map are estimated after Olofsson et al. (2014), which is valid if the
polygons are a random sample of each mapped class. Intervals come from a bootstrap over polygons, so
that a polygon counts once whatever its size. Include 'background' (or 'area') polygons: without
them, false detections go unseen."""


def add_examples(parser: argparse.ArgumentParser) -> None:
    """Add the options of the examples."""
    group = parser.add_argument_group("examples", EXAMPLES_RULE)
    _add(
        group,
        "examples",
        "polygons or label raster to learn from; not needed for supervised models",
        type=Path,
    )
    _add(group, "class_field", "attribute that holds the class (%(default)s)")
    _add(
        group,
        "layer",
        "layer of a file with several; default: the only one with that attribute",
    )
    _add(
        group,
        "label_zero",
        "meaning of 0 in a label raster; auto: as in classes.json, otherwise background",
    )
    _add(
        group,
        "examples_are",
        "areas: polygons mark part of some ground, such as a piece of a lake; objects: "
        "polygons outline whole objects, such as roofs, with background around them "
        "(%(default)s)",
    )
    _add(
        group,
        "buffer",
        "radius around points and lines: 2 or 2px for pixels, 3m for metres on the ground "
        "(%(default)s)",
    )
    _add(group, "classes", "map only these classes, comma-separated", type=values.names)
    _add(group, "example_scene", "scene that the examples were drawn on (the first SCENE)")
    _add(group, "example_bands", "bands of the example scene (as --bands)", type=values.band_names)
    _add(
        group,
        "max_shots",
        f"maximum number of crops per class for a network ({NETWORK_SHOTS}), or of pixels per "
        f"class for a network for pairs ({PAIR_SHOTS})",
        type=values.positive,
    )


def add_scene(parser: argparse.ArgumentParser) -> None:
    """Add the options of reading scenes."""
    group = parser.add_argument_group("scene", SCENE_RULE)
    _add(
        group,
        "bands",
        "bands to use, by number or name, such as red,green,blue (all; for a network, 1,2,3 as "
        "red, green and blue, or 1,1,1 for a single band)",
        type=values.band_names,
    )
    _add(
        group,
        "scale",
        "scaling of pixel values; auto: none for uint8, otherwise from the 2nd to the 98th "
        "percentile of the scene",
    )
    _add(group, "nodata", "nodata value, if the file does not set one", type=float)
    _add(
        group,
        "resolution",
        "resample all scenes to this pixel size, metres (that of the model's training, if it "
        "states one)",
        type=values.metres,
    )
    _add(group, "asset", "asset of STAC items (the one with the role data or visual)")
    _add(group, "tries", "attempts per network read (%(default)s)", type=values.positive)
    _add(
        group,
        "retry_delay",
        "seconds before the first retry, doubled for each further one (%(default)g)",
        type=float,
    )


def add_pair(parser: argparse.ArgumentParser) -> None:
    """Add the options of panchromatic and multispectral pairs."""
    group = parser.add_argument_group("panchromatic and multispectral pair", PAIR_RULE)
    _add(group, "pan", "panchromatic raster")
    _add(group, "ms", "multispectral raster of the same ground")
    add_pair_bands(group)
    _add(
        group,
        "grid",
        "grid of the map of a network for pairs; pan assigns each superpixel its most frequent "
        "class (%(default)s)",
    )
    _add(
        group,
        "tile",
        "side of a processing tile of a network for pairs, multispectral pixels; superpixels "
        "do not cross tiles (256, or what --max_memory allows)",
        type=values.positive,
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the options of the model."""
    group = parser.add_argument_group("model")
    _add(group, "model", "name, model folder, or class path package.module:Class (ensemble)")
    _add(group, "backbone", "backbone of a network given by name")
    _add(group, "weights", "weights of that backbone: a file or a hub name")
    _add(
        group,
        "window",
        f"window side, pixels ({PIXEL_WINDOW}; for a network, as in training, or 256)",
        type=values.positive,
    )
    _add(
        group,
        "overlap",
        "overlap of neighbouring windows, as a share of the window (%(default)s)",
        type=float,
    )
    _add(group, "batch_size", "windows per batch (%(default)s)", type=values.positive)
    _add(
        group,
        "threshold",
        "minimum probability of a mapped class (the most probable class is mapped; for a "
        f"network, {NETWORK_THRESHOLD})",
        type=values.share,
    )
    _add(
        group,
        "no_estimate",
        "skip the accuracy estimate from the examples, which is faster",
    )
    _add(
        group,
        "flips",
        "flipped and rotated views to average; supervised models only (%(default)s)",
    )
    _add(
        group,
        "scales",
        "image scales to average, such as 0.75,1,1.25; supervised models only "
        f"({_list(DEFAULTS['scales'])})",
        type=values.scales,
    )
    _add(group, "device", "auto, cpu or cuda")
    _add(group, "precision", None)


def add_long_runs(parser: argparse.ArgumentParser) -> None:
    """Add the options of cost, memory, shards and clusters."""
    group = parser.add_argument_group("long runs", LONG_RULE)
    _add(group, "dry_run", "report the cost and exit")
    _add(
        group,
        "max_memory",
        "memory limit, such as 2GB, excluding network and libraries",
        type=values.num_bytes,
    )
    _add(group, "shard", "make only this shard, such as 3/16", type=values.shard)
    _add(group, "engine", "where to run; ray: on a Ray cluster (%(default)s)")
    _add(
        group,
        "ray_address",
        "address of a running cluster, such as auto (starts Ray on this machine)",
    )
    _add(
        group,
        "workers",
        "workers on the cluster, each with its own network (%(default)s)",
        type=values.positive,
    )


def add_check(parser: argparse.ArgumentParser) -> None:
    """Add the options of the check."""
    group = parser.add_argument_group("check", CHECK_RULE)
    _add(
        group,
        "check",
        "polygons, points or label raster to score the finished map with",
        type=Path,
        metavar="FILE",
    )
    _add(group, "check_layer", "layer of the --check file, if it has several")


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Add the options of the output files."""
    group = parser.add_argument_group("outputs")
    _add(
        group,
        "min_area",
        "turn smaller patches into background, in square metres, or in pixels for a scene "
        "without a CRS",
        type=float,
        metavar="M2",
    )
    _add(
        group,
        "simplify",
        "simplify polygons; neighbours keep their common border. In metres, or in pixels for a "
        "scene without a CRS; 1 to 3 pixel sides smooth the pixel stairs",
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
        "write no QGIS styles (.qml beside the rasters, and one in the GeoPackage)",
    )
    _add(group, "heatmaps", "write BiCoR-Seg's heatmap of each class")


def _add(group: argparse._ArgumentGroup, name: str, text: str | None, **more: Any) -> None:  # noqa: ANN401 (argparse's own)
    """Add the option of a field: a switch for a boolean, choices for a literal."""
    default = DEFAULTS[name]
    if isinstance(default, bool):
        more["action"] = "store_false" if default else "store_true"
    elif name in CHOICES:
        more["choices"] = CHOICES[name]
    option = f"--no_{name}" if default is True else f"--{name}"
    group.add_argument(option, dest=name, default=default, help=text, **more)


def _list(numbers: tuple[float, ...]) -> str:
    return ",".join(f"{number:g}" for number in numbers)
