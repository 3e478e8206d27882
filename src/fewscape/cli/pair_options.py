"""The options of every command that takes panchromatic and multispectral pairs."""

from __future__ import annotations

import argparse

from fewscape.cli import values
from fewscape.request.map_request import DEFAULTS


def add_pair_bands(parser: argparse._ActionsContainer) -> None:
    """Which bands of the multispectral image are which colours."""
    parser.add_argument(
        "--ms_bands",
        type=values.bands,
        default=DEFAULTS["ms_bands"],
        help="its blue, green, red and near infrared bands (1,2,3,4)",
    )
