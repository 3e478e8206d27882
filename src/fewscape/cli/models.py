"""``fewscape models``: list the models, or show one."""

from __future__ import annotations

import argparse

EXAMPLE = """\
fewscape models list
fewscape models show ensemble"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``list`` and ``show``."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="{list,show}")
    verbs.add_parser("list", help="list the names that --model accepts")
    show = verbs.add_parser("show", help="show the card and configuration of a model")
    show.add_argument("model", help="name of a packaged model, or path of a model folder")


def run(arguments: argparse.Namespace) -> int:
    """Print the table or the card."""
    return _list() if arguments.verb == "list" else _show(arguments.model)


def _list() -> int:
    from rich.console import Console
    from rich.table import Table

    from fewscape.zoo import (
        DEFAULT,
        EMBEDDED,
        EMBEDDED_NAMES,
        EMBEDDED_PAIRS,
        MODELS,
        PAIR_MODELS,
        PIXEL_MODELS,
        SEMANTIC_MODELS,
        embedded_folder,
    )
    from fewscape.zoo.own_networks import list_entry_points

    network = "small trained network in the package"
    coming = {
        DEFAULT: f"{_read_summary(PIXEL_MODELS[DEFAULT])} The default model.",
        EMBEDDED: f"{network}, learns from crops",
    } | {
        name: f"{network}, for panchromatic and multispectral pairs of ratio {ratio}"
        for ratio, name in EMBEDDED_PAIRS.items()
    }
    table = Table("name", "what it is", box=None, header_style="bold")
    for name, what in coming.items():
        if embedded_folder(name).is_dir():
            table.add_row(name, what)
    for name, model in sorted((PIXEL_MODELS | MODELS | SEMANTIC_MODELS | PAIR_MODELS).items()):
        if name not in EMBEDDED_NAMES:
            table.add_row(name, _read_summary(model))
    for name in list_entry_points():
        table.add_row(name, "of an installed package")
    Console().print(table)
    return 0


def _read_summary(model: type[object]) -> str:
    """The first sentence of a class's docstring."""
    return (model.__doc__ or "").splitlines()[0].replace("``", "")


def _show(name: str) -> int:
    import json

    from rich.console import Console
    from rich.markdown import Markdown

    from fewscape.models.folder import CARD
    from fewscape.zoo import open_folder

    folder = open_folder(name)
    console = Console()
    card = folder.path / CARD
    if card.is_file():
        console.print(Markdown(card.read_text(encoding="utf-8")))
    console.print_json(json.dumps(dict(folder.config)))
    return 0
