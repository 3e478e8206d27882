"""``fewscape merge``: the shares of a job array become maps."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = "fewscape merge maps"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("output", type=Path, help="folder that was given to 'fewscape map'")


def run(arguments: argparse.Namespace) -> int:
    """Write every map whose parts are all there, tell what the others lack."""
    from fewscape.cli.map_report import Terminal
    from fewscape.request.running import merge_shards

    merge_shards(arguments.output, Terminal())
    return 0
