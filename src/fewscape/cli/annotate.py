"""``fewscape annotate``: draw on a page, see the map follow, correct it, export it."""

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
    parser.add_argument("--examples", type=Path, help="examples to begin with, on the first scene")
    parser.add_argument(
        "--class_field", default="class", help="their attribute that names the class (class)"
    )
    parser.add_argument("--layer", help="their layer, of a file with several")
    parser.add_argument(
        "--session",
        type=Path,
        help="GeoPackage that keeps the examples (SCENE's name with .examples.gpkg, beside it)",
    )
    parser.add_argument(
        "--bands", type=values.band_names, help="bands that teach, by number or name (all)"
    )
    parser.add_argument(
        "--scale",
        default="auto",
        choices=["auto", "none", "percentile"],
        help="how values become brightness, as for fewscape map (auto)",
    )
    parser.add_argument("--nodata", type=float, help="value without data, if the file has none")
    parser.add_argument("--model", default="ensemble", help="pixel model, by name or folder")
    _add_server(parser.add_argument_group("server"))


def _add_server(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--host",
        default="127.0.0.1",
        help="another one lets other machines in; whoever has the address can draw (127.0.0.1)",
    )
    group.add_argument("--port", type=int, help="8722, or the next free one")
    group.add_argument("--no_browser", action="store_true", help="only print the address")
    group.add_argument("--no_cache", action="store_true", help="keep no features on the disk")


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
        print(f"{desk.name}: examples are kept in {desk.drawing.path}")
    server.run(lambda address: print(f"open {address}\nend with Ctrl-C", flush=True))
    return 0
