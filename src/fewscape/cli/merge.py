"""``fewscape merge``: assemble maps from job-array shards."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = "fewscape merge maps"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("output", type=Path, help="output folder of 'fewscape map'")


def run(arguments: argparse.Namespace) -> int:
    """Write every complete map, and report what the others lack."""
    from fewscape.cli.map_report import Terminal
    from fewscape.request.running import merge_shards

    merge_shards(arguments.output, Terminal())
    return 0
