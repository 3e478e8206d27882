"""Scores of networks on fixed episodes, with intervals."""

from fewscape.evaluation.encoding import CropEncoder
from fewscape.evaluation.evaluate import evaluate
from fewscape.evaluation.intervals import IouIntervals, bootstrap_iou
from fewscape.evaluation.prediction import ManifestPredictor
from fewscape.evaluation.report import check_writable, make_table, write_results

__all__ = [
    "CropEncoder",
    "IouIntervals",
    "ManifestPredictor",
    "bootstrap_iou",
    "check_writable",
    "evaluate",
    "make_table",
    "write_results",
]
