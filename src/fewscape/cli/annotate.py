"""``fewscape annotate``: draw examples in the browser while the map updates."""

from __future__ import annotations

import argparse
from pathlib import Path

from fewscape.cli import values

EXAMPLE = """\
fewscape annotate scene.tif
fewscape annotate scene.tif --examples roofs.gpkg --bands red,green,blue
fewscape annotate here.tif there.tif --port 9000 --no_browser"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("scenes", nargs="+", metavar="SCENE", type=Path, help="raster to draw on")
    parser.add_argument(
        "--examples", type=Path, help="examples to start from, drawn on the first scene"
    )
    parser.add_argument(
        "--class_field",
        default="class",
        help="attribute of the examples that holds the class (class)",
    )
    parser.add_argument("--layer", help="their layer, of a file with several")
    parser.add_argument(
        "--session",
        type=Path,
        help="GeoPackage that the examples are saved to (SCENE.examples.gpkg beside the scene)",
    )
    parser.add_argument(
        "--bands", type=values.band_names, help="bands to learn from, by number or name (all)"
    )
    parser.add_argument(
        "--scale",
        default="auto",
        choices=["auto", "none", "percentile"],
        help="how pixel values are scaled, as in fewscape map (auto)",
    )
    parser.add_argument("--nodata", type=float, help="nodata value, if the file does not set one")
    parser.add_argument("--model", default="ensemble", help="pixel model, by name or folder")
    _add_server(parser.add_argument_group("server"))


def _add_server(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; any other than the default lets other machines in, and "
        "anyone with the link can draw (127.0.0.1)",
    )
    group.add_argument("--port", type=int, help="port to listen on (8722, or the next free one)")
    group.add_argument(
        "--no_browser", action="store_true", help="print the address without opening a browser"
    )
    group.add_argument("--no_cache", action="store_true", help="do not cache features on disk")


def run(arguments: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C."""
    from fewscape.raster import Scale
    from fewscape.serve.desk import SceneChoice
    from fewscape.serve.server import PageServer, ServerOptions
    from fewscape.serve.session import Session, SessionOptions, find_cache
    from fewscape.zoo import load

    choice = SceneChoice(arguments.bands, Scale(arguments.scale), arguments.nodata)
    options = SessionOptions(
        choice,
        arguments.session,
        arguments.examples,
        arguments.class_field,
        None if arguments.no_cache else find_cache(),
        arguments.model,
        arguments.layer,
    )
    session = Session(arguments.scenes, lambda: load(arguments.model).pixel, options)
    server = PageServer(
        session,
        ServerOptions(arguments.host, arguments.port, opens_browser=not arguments.no_browser),
    )
    for desk in session.desks:
        print(f"{desk.name}: examples are saved in {desk.drawing.path}")
    server.run(lambda address: print(f"open {address}\nstop with Ctrl-C", flush=True))
    return 0
