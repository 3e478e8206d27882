"""Options of every command that reads panchromatic and multispectral pairs."""

from __future__ import annotations

import argparse

from fewscape.cli import values
from fewscape.request.map_request import DEFAULTS


def add_pair_bands(parser: argparse._ActionsContainer) -> None:
    """Add the option of the multispectral bands."""
    parser.add_argument(
        "--ms_bands",
        type=values.bands,
        default=DEFAULTS["ms_bands"],
        help="its blue, green, red and near-infrared bands (1,2,3,4)",
    )
