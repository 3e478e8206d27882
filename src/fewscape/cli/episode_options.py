"""The options of every command that runs networks on the episodes of a manifest."""

from __future__ import annotations

import argparse
from pathlib import Path

from fewscape.cli import values


def add_episode_options(parser: argparse._ActionsContainer, required: bool = True) -> None:
    """Which episodes, and from where."""
    parser.add_argument("--episodes", type=Path, required=required, help="episode manifest")
    parser.add_argument(
        "--root", type=Path, required=required, help="folder that its paths start at"
    )
    parser.add_argument(
        "--classes", type=values.names, help="only these class names, comma-separated"
    )
    parser.add_argument(
        "--datasets", type=values.names, help="only these data sets, comma-separated"
    )
    parser.add_argument(
        "--limit", type=values.positive, help="episodes of each (data set, class), from first"
    )
    parser.add_argument("--bands", type=values.bands, help="bands shown as RGB, such as 1,1,1")
    parser.add_argument("--regions", type=Path, help="folder that keeps region maps for next time")


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """How networks are run."""
    parser.add_argument("--batch_size", type=values.positive, default=8, help="at a time (8)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--precision", default="auto", choices=["auto", "float32", "bfloat16"])
