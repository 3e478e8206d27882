"""The published data sets by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from fewscape.datasets.published import dlrsd, loveda
from fewscape.datasets.published.dlrsd import prepare_dlrsd
from fewscape.datasets.published.guide import DownloadGuide
from fewscape.datasets.published.isaid import (
    ISAID5I,
    ISAID5I_512,
    prepare_isaid5i,
    prepare_isaid5i_512,
)
from fewscape.datasets.published.isprs import POTSDAM, VAIHINGEN, prepare_isprs
from fewscape.datasets.published.loveda import prepare_loveda
from fewscape.datasets.published.report import PrepareReport

PREPARERS: dict[str, Callable[[Path, Path, Callable[[str], None]], PrepareReport]] = {
    "dlrsd": prepare_dlrsd,
    "isaid5i": prepare_isaid5i,
    "isaid5i-512": prepare_isaid5i_512,
    "loveda": prepare_loveda,
    "potsdam": partial(prepare_isprs, POTSDAM),
    "vaihingen": partial(prepare_isprs, VAIHINGEN),
}
"""Preparers by name in ``fewscape data prepare``."""

GUIDES: dict[str, DownloadGuide] = {
    guide.name: guide
    for guide in (
        dlrsd.GUIDE,
        ISAID5I.guide,
        ISAID5I_512.guide,
        loveda.GUIDE,
        POTSDAM.guide,
        VAIHINGEN.guide,
    )
}
"""Download guides of each."""
