"""Convert published data sets from their original archives to the generic layout."""

from fewscape.datasets.published.catalog import GUIDES, PREPARERS
from fewscape.datasets.published.colour_labels import decode_colours
from fewscape.datasets.published.dlrsd import prepare_dlrsd
from fewscape.datasets.published.guide import DownloadGuide, check_prepared
from fewscape.datasets.published.isaid import prepare_isaid5i, prepare_isaid5i_512
from fewscape.datasets.published.isprs import prepare_isprs
from fewscape.datasets.published.loveda import prepare_loveda
from fewscape.datasets.published.report import PrepareReport, format_pairs

__all__ = [
    "GUIDES",
    "PREPARERS",
    "DownloadGuide",
    "PrepareReport",
    "check_prepared",
    "decode_colours",
    "format_pairs",
    "prepare_dlrsd",
    "prepare_isaid5i",
    "prepare_isaid5i_512",
    "prepare_isprs",
    "prepare_loveda",
]
