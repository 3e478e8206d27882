"""Counts that add up over episodes and processes, and the scores derived from them."""

from fewscape.metrics.confusion import (
    ClassScores,
    ConfusionMatrix,
    count_confusion,
    score_confusion,
)
from fewscape.metrics.episode_counts import EpisodeCounts, EpisodeOverlap
from fewscape.metrics.overlap import count_overlap, divide_overlap, sum_groups

__all__ = [
    "ClassScores",
    "ConfusionMatrix",
    "EpisodeCounts",
    "EpisodeOverlap",
    "count_confusion",
    "count_overlap",
    "divide_overlap",
    "score_confusion",
    "sum_groups",
]
