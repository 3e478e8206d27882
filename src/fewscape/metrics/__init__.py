"""Sums that add across episodes and processes, and the scores made of them."""

from fewscape.metrics.episode_counts import EpisodeCounts, EpisodeOverlap
from fewscape.metrics.overlap import count_overlap, divide_overlap, sum_groups

__all__ = ["EpisodeCounts", "EpisodeOverlap", "count_overlap", "divide_overlap", "sum_groups"]
