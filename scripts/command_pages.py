"""Generate the page of all commands from their help."""

from __future__ import annotations

import argparse
import importlib
import os

HEAD = """# Commands

The output of `fewscape COMMAND --help`. Options such as `--device` and `--model` mean the same
everywhere; hyphens and underscores are interchangeable. The exit status is 0 for success, 2 for an
error that you can correct, 1 for a bug in fewscape and 130 if interrupted.
"""

WIDTH = "100"
"""Columns of the help."""

FIT = """## fewscape fit

Train a network from recipes: `fewscape fit --config RECIPE [--config RECIPE ...] [--key value
...]`. A recipe is a file or the name of a packaged one. Every key of a [recipe](recipe_keys.md) is
also an option. `--ckpt_path` resumes from a checkpoint. Packaged recipes:

{recipes}
"""


def write_commands() -> str:
    """Markdown with the help of every command and of its verbs."""
    from fewscape.cli.main import COMMANDS, make_parser
    from fewscape.core import list_packaged

    before, os.environ["COLUMNS"] = os.environ.get("COLUMNS"), WIDTH
    try:
        parts = [HEAD]
        for name in COMMANDS:
            if name == "fit":
                recipes = "\n".join(f"* `{recipe}`" for recipe in list_packaged("recipes"))
                parts.append(FIT.format(recipes=recipes))
                continue
            parser = make_parser(name, importlib.import_module(f"fewscape.cli.{name}"))
            parts.append(f"## fewscape {name}\n\n{_show(parser)}")
            parts += [
                f"### fewscape {name} {verb}\n\n{_show(each)}" for verb, each in _verbs(parser)
            ]
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return "\n".join(parts)


def _show(parser: argparse.ArgumentParser) -> str:
    return f"```text\n{parser.format_help().rstrip()}\n```\n"


def _verbs(parser: argparse.ArgumentParser) -> list[tuple[str, argparse.ArgumentParser]]:
    groups = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    return [item for group in groups for item in group.choices.items()]
