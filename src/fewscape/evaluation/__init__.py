"""Score networks on fixed episodes, with intervals."""

from fewscape.evaluation.comparison import compare_counts, compare_folds, compare_pairs
from fewscape.evaluation.confusion_chart import draw_confusion
from fewscape.evaluation.counting import Candidate, Counted, count_episodes, join_counted
from fewscape.evaluation.encoding import CropEncoder
from fewscape.evaluation.evaluate import evaluate
from fewscape.evaluation.intervals import IouIntervals, bootstrap_iou
from fewscape.evaluation.paired import PairedTest, adjust_holm, compare_pair
from fewscape.evaluation.pairs import PairProtocol, evaluate_pair
from fewscape.evaluation.panels import explain_episode
from fewscape.evaluation.pixels import evaluate_pixels
from fewscape.evaluation.prediction import ManifestPredictor
from fewscape.evaluation.report import check_writable, make_table, write_results
from fewscape.evaluation.semantic import SemanticOptions, describe_scores, evaluate_semantic
from fewscape.evaluation.speed import time_episode
from fewscape.evaluation.stored_counts import load_counts, save_counts

__all__ = [
    "Candidate",
    "Counted",
    "CropEncoder",
    "IouIntervals",
    "ManifestPredictor",
    "PairProtocol",
    "PairedTest",
    "SemanticOptions",
    "adjust_holm",
    "bootstrap_iou",
    "check_writable",
    "compare_counts",
    "compare_folds",
    "compare_pair",
    "compare_pairs",
    "count_episodes",
    "describe_scores",
    "draw_confusion",
    "evaluate",
    "evaluate_pair",
    "evaluate_pixels",
    "evaluate_semantic",
    "explain_episode",
    "join_counted",
    "load_counts",
    "make_table",
    "save_counts",
    "time_episode",
    "write_results",
]
