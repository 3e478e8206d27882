"""``fewscape``: finds the command and reports what goes wrong.

Neither torch nor a command's module is imported before a command is chosen, so ``--help`` answers
at once.
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
    "map": "draw a few polygons on a scene, and map the rest of it",
    "annotate": "draw on a page, see the map follow, correct it, export it",
    "merge": "write the maps whose shares a job array has made",
    "reproduce": "make a map again from what its file tells, and compare the pixels",
    "demo": "see it work: two scenes mapped from three polygons a class",
    "fit": "train a network from a YAML recipe",
    "evaluate": "score a network on the episodes of a manifest",
    "compare": "compare models on the same episodes or scenes, with paired tests",
    "benchmark": "train and test networks on a published benchmark, and write the report",
    "episodes": "make episode manifests, or draw a contact sheet of one",
    "regions": "fill a store with region maps",
    "data": "write synthetic scenes as a data set, or check a data set",
    "models": "list the networks, or show one model folder",
}
"""Name and summary; the module of the same name holds the command."""

USAGE_ERROR = 2
DEFECT = 1
INTERRUPTED = 130


def main(argv: list[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: what stands behind ``fewscape`` on the command line; the process's own if not given.

    Returns:
        0 done, 2 a mistake of the user, 1 a defect of ours, 130 interrupted; a command may have
        a code of its own.

    Raises:
        SystemExit: the command's own parser answered: 0 help was shown, 2 it refused.
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
    """The parser of one command; its example closes the help."""
    parser = Parser(
        prog=f"fewscape {name}", description=COMMANDS[name], epilog=_show_example(command)
    )
    command.add_arguments(parser)
    return parser


def _pass_through(command: ModuleType, words: list[str]) -> int:
    """For commands with a parser of their own, which prints the help and leaves."""
    try:
        return int(command.run(words))
    except SystemExit:
        if {"-h", "--help"} & set(words):
            print(f"\n{_show_example(command)}")
        raise


def _show_example(command: ModuleType) -> str:
    return "example:\n" + textwrap.indent(command.EXAMPLE, "  ")


def _report(error: Exception) -> int:
    """One sentence for mistakes of the user, and for ours a way to tell us."""
    if hasattr(error, "problem"):  # a FewscapeError; the class itself would import torch
        print(f"error: {error}", file=sys.stderr)
        return USAGE_ERROR
    print(
        f"defect: {type(error).__name__}: {error}\n"
        "this should not happen; run again with --debug and report the trace",
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
            "Draw a few polygons on a scene, and fewscape maps the rest of it.",
            "",
            *lines,
            "",
            "fewscape COMMAND --help shows a command's options; --version the version;",
            "--debug the trace of an error.",
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
