"""Options of every command that runs networks on the episodes of a manifest."""

from __future__ import annotations

import argparse
from pathlib import Path

from fewscape.cli import values


def add_episode_options(parser: argparse._ActionsContainer, required: bool = True) -> None:
    """Add the options that choose episodes."""
    parser.add_argument("--episodes", type=Path, required=required, help="episode manifest")
    parser.add_argument(
        "--root",
        type=Path,
        required=required,
        help="folder that the manifest's paths are relative to",
    )
    parser.add_argument(
        "--classes", type=values.names, help="use only these classes, comma-separated"
    )
    parser.add_argument(
        "--datasets", type=values.names, help="use only these data sets, comma-separated"
    )
    parser.add_argument(
        "--limit",
        type=values.positive,
        help="use only the first episodes of each (data set, class)",
    )
    parser.add_argument("--bands", type=values.bands, help="bands shown as RGB, such as 1,1,1")
    parser.add_argument("--regions", type=Path, help="cache folder for region maps")


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a run."""
    parser.add_argument(
        "--batch_size", type=values.positive, default=8, help="episodes per batch (8)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--precision", default="auto", choices=["auto", "float32", "bfloat16"])
