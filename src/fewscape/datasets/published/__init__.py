"""Published data sets from their original archives into the generic layout."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from fewscape.datasets.published.colour_labels import decode_colours
from fewscape.datasets.published.isprs import POTSDAM, VAIHINGEN, prepare_isprs
from fewscape.datasets.published.loveda import prepare_loveda
from fewscape.datasets.published.prepared import PrepareReport

__all__ = ["PREPARERS", "PrepareReport", "decode_colours", "prepare_isprs", "prepare_loveda"]

PREPARERS: dict[str, Callable[[Path, Path, Callable[[str], None]], PrepareReport]] = {
    "loveda": prepare_loveda,
    "potsdam": partial(prepare_isprs, POTSDAM),
    "vaihingen": partial(prepare_isprs, VAIHINGEN),
}
"""By the name that ``fewscape data prepare`` takes."""
