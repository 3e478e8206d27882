"""Published data sets from their original archives into the generic layout."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from fewscape.datasets.published.colour_labels import decode_colours
from fewscape.datasets.published.dlrsd import prepare_dlrsd
from fewscape.datasets.published.isaid import prepare_isaid5i
from fewscape.datasets.published.isprs import POTSDAM, VAIHINGEN, prepare_isprs
from fewscape.datasets.published.loveda import prepare_loveda
from fewscape.datasets.published.prepared import PrepareReport, tell_pairs

__all__ = [
    "PREPARERS",
    "PrepareReport",
    "decode_colours",
    "prepare_dlrsd",
    "prepare_isaid5i",
    "prepare_isprs",
    "prepare_loveda",
    "tell_pairs",
]

PREPARERS: dict[str, Callable[[Path, Path, Callable[[str], None]], PrepareReport]] = {
    "dlrsd": prepare_dlrsd,
    "isaid5i": prepare_isaid5i,
    "loveda": prepare_loveda,
    "potsdam": partial(prepare_isprs, POTSDAM),
    "vaihingen": partial(prepare_isprs, VAIHINGEN),
}
"""By the name that ``fewscape data prepare`` takes."""
