"""Options that say what is written of a map, shared by single scenes and pairs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fewscape.mapping import OutputOptions

OUTPUT_PARAMETERS = ("min_area", "simplify", "cog", "vectors")
"""What stands among the parameters in the tags of a map."""


def add_output_options(group: argparse._ArgumentGroup) -> None:
    """Which files are written, and in which form."""
    group.add_argument(
        "--min_area",
        type=float,
        default=0.0,
        metavar="M2",
        help="smaller patches become background, in the class map and in the polygons: square "
        "metres, pixels where the scene has no reference system",
    )
    group.add_argument(
        "--simplify",
        type=float,
        default=0.0,
        metavar="TOLERANCE",
        help="simpler polygons whose neighbours still share their border: metres, pixels where "
        "the scene has no reference system; 1 to 3 times the pixel's side smooths its stairs",
    )
    group.add_argument(
        "--cog", action="store_true", help="write the rasters as cloud optimized GeoTIFFs"
    )
    group.add_argument(
        "--stac", action="store_true", help="write a STAC item (needs the extra 'stac')"
    )
    group.add_argument(
        "--no_vectors", dest="vectors", action="store_false", help="write no polygons"
    )
    group.add_argument("--no_preview", dest="preview", action="store_false", help="draw no preview")
    group.add_argument(
        "--no_styles",
        dest="styles",
        action="store_false",
        help="write no styles for QGIS (.qml beside the rasters, and one in the GeoPackage)",
    )


def read_output_options(arguments: argparse.Namespace) -> OutputOptions:
    """What the options ask for."""
    from fewscape.mapping import OutputOptions

    return OutputOptions(
        arguments.min_area, arguments.simplify, arguments.cog, arguments.styles, arguments.stac
    )
