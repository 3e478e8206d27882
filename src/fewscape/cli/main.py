"""``fewscape``: dispatch to a command and report errors.

torch and the module of a command are imported only once a command is chosen, so ``--help`` is
instant.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
import textwrap
from types import ModuleType

from fewscape import __version__
from fewscape.cli.parser import Parser

COMMANDS = {
    "map": "map scenes from a few drawn polygons",
    "annotate": "draw examples in the browser while the map updates",
    "merge": "assemble maps from job-array shards",
    "reproduce": "remake a map from its metadata and compare the pixels",
    "demo": "map two packaged scenes from three polygons per class",
    "fit": "train a network from a YAML recipe",
    "evaluate": "score a network on episodes, labelled images or pan/ms pairs",
    "compare": "compare models on the same episodes or scenes, with significance tests",
    "benchmark": "train, test and report networks on a published benchmark",
    "episodes": "make episode manifests and draw contact sheets",
    "regions": "precompute region maps",
    "data": "prepare, synthesize, verify and pack data sets",
    "models": "list the models, or show one",
}
"""Name and summary of each command; its module has the same name."""

USAGE_ERROR = 2
DEFECT = 1
INTERRUPTED = 130


def main(argv: list[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: the words after ``fewscape`` on the command line; those of the process if not given.

    Returns:
        0 success, 1 a bug in fewscape, 2 a user error, 130 interrupted; some commands add codes.

    Raises:
        SystemExit: argparse exits: 0 after help, 2 after a wrong option.
    """
    words = sys.argv[1:] if argv is None else argv
    is_debugging = "--debug" in words or bool(os.environ.get("FEWSCAPE_DEBUG"))
    words = [word for word in words if word != "--debug"]
    if not words or words[0] in ("-h", "--help"):
        print(_overview())
        return 0
    if words[0] == "--version":
        print(f"fewscape {__version__}")
        return 0
    if words[0] not in COMMANDS:
        print(f"error: {_unknown(words[0])}", file=sys.stderr)
        return USAGE_ERROR
    try:
        return _run(words[0], words[1:])
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if is_debugging:
            raise
        return _report(error)


def _run(name: str, words: list[str]) -> int:
    command = importlib.import_module(f"fewscape.cli.{name}")
    if getattr(command, "PASS_THROUGH", False):
        return _pass_through(command, words)
    return int(command.run(make_parser(name, command).parse_args(words)))


def make_parser(name: str, command: ModuleType) -> Parser:
    """The parser of one command; its help ends with an example."""
    parser = Parser(
        prog=f"fewscape {name}", description=COMMANDS[name], epilog=_show_example(command)
    )
    command.add_arguments(parser)
    return parser


def _pass_through(command: ModuleType, words: list[str]) -> int:
    """Run a command that parses its own words; add the example to its help."""
    try:
        return int(command.run(words))
    except SystemExit:
        if {"-h", "--help"} & set(words):
            print(f"\n{_show_example(command)}")
        raise


def _show_example(command: ModuleType) -> str:
    return "example:\n" + textwrap.indent(command.EXAMPLE, "  ")


def _report(error: Exception) -> int:
    """Print one sentence for a user error, and how to report it for a bug."""
    if hasattr(error, "problem"):  # a FewscapeError; the class itself would import torch
        print(f"error: {error}", file=sys.stderr)
        return USAGE_ERROR
    print(
        f"defect: {type(error).__name__}: {error}\n"
        "this is a bug in fewscape: run again with --debug and report the traceback",
        file=sys.stderr,
    )
    return DEFECT


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {summary}" for name, summary in COMMANDS.items()]
    return "\n".join(
        [
            "usage: fewscape COMMAND [options]",
            "",
            "Draw a few polygons on a scene; fewscape maps the rest.",
            "",
            *lines,
            "",
            "fewscape COMMAND --help shows the options of a command, --version the version,",
            "--debug the traceback of an error.",
            "",
            "example:",
            "  fewscape map scene.tif --examples polygons.gpkg --output maps",
        ]
    )


def _unknown(name: str) -> str:
    nearest = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean '{nearest[0]}'?" if nearest else f"expected one of {', '.join(COMMANDS)}"
    return f"there is no command '{name}'; {hint}"


if __name__ == "__main__":
    sys.exit(main())
