"""Compute a benchmark's scores from stored counts: folds, classes, intervals, paired tests."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from fewscape.benchmark.published.repeated_runs import compare_runs, interval_of_runs
from fewscape.core import ResultsError
from fewscape.datasets import Manifest
from fewscape.evaluation.paired import (
    ResampledIou,
    adjust_holm,
    compare_resampled,
    resample_iou,
)
from fewscape.metrics import EpisodeOverlap

TILE = re.compile(r"(_\d+){4}$")
"""Suffix after the scene's name in tiles of iSAID."""


@dataclass(frozen=True, slots=True)
class RunCounts:
    """Test counts of one training run."""

    model: str
    fold: int
    seed: int
    counts: EpisodeOverlap


def score_benchmark(
    manifests: Mapping[int, Manifest], tested: Sequence[RunCounts]
) -> dict[str, Any]:
    """Score every network on all folds, and test every pair of networks.

    IoU is computed from intersections and unions summed over the episodes of a class; a fold's mIoU
    is the mean over its classes, a network's score the mean over folds and then over runs.

    Args:
        manifests: test episodes of each fold.
        tested: for every network, the same folds with the same seeds.

    Returns:
        ``models``: by name ``miou``, ``miou_ci95`` (over source scenes of the queries),
        ``runs_ci95`` (over seeds), ``fb_iou``, ``seeds`` (mIoU of each), ``folds`` and
        ``classes``; ``pairs``: for each pair ``first``, ``second``, ``difference``, the bootstrap
        over scenes (``ci95``, ``p``, ``p_holm``) and the t-test over folds and seeds
        (``t_runs``, ``t_p``, ``t_p_holm``, ``power``, ``detectable``). Scores are in [0, 1], or
        None if unknown.

    Raises:
        ResultsError: a network lacks a run, or was tested on other episodes.
    """
    folds = sorted(manifests)
    names = list(dict.fromkeys(run.model for run in tested))
    resampled, scores, models = {}, {}, {}
    for name in names:
        own = [[run for run in tested if (run.model, run.fold) == (name, fold)] for fold in folds]
        _check(name, own, [len(manifests[fold]) for fold in folds])
        resampled[name] = _resample([manifests[fold] for fold in folds], own)
        scores[name] = np.array([[_miou(run) for run in runs] for runs in own]).T  # (seeds, folds)
        models[name] = {
            "miou": float(scores[name].mean()),
            "miou_ci95": resampled[name].interval(),
            "runs_ci95": interval_of_runs(scores[name].mean(axis=1).tolist()),
            "fb_iou": float(
                np.mean([float(run.counts.score()["fb_iou"]) for runs in own for run in runs])
            ),
            "seeds": scores[name].mean(axis=1).tolist(),
            **_score_folds(manifests, own, resampled[name]),
        }
    return {"models": models, "pairs": _compare(resampled, scores)}


def source_scene(image: str) -> str:
    """The source scene of a tile; tiles of a scene overlap and are correlated.

    Examples:
        >>> source_scene("isaid5i/images/P0003_0_256_206_462.png")
        'P0003'
        >>> source_scene("dlrsd/images/airplane57.tif")
        'airplane57'
    """
    return TILE.sub("", PurePosixPath(image).stem)


def _check(name: str, runs: Sequence[Sequence[RunCounts]], sizes: Sequence[int]) -> None:
    seeds = [[run.seed for run in own] for own in runs]
    if not seeds[0] or any(own != seeds[0] for own in seeds):
        raise ResultsError(
            f"'{name}' was tested with the seeds {seeds} in the folds",
            "expected the same in each",
            "run the benchmark again to finish the missing runs",
        )
    for own, size in zip(runs, sizes, strict=True):
        for run in own:
            if len(run.counts.group) != size:
                raise ResultsError(
                    f"'{name}' was tested on {len(run.counts.group)} episodes of fold {run.fold}",
                    f"the manifest has {size}",
                    "delete its counts and run the benchmark again",
                )


def _resample(manifests: Sequence[Manifest], runs: Sequence[Sequence[RunCounts]]) -> ResampledIou:
    """Join all folds, with consecutive class numbers."""
    first = np.cumsum([0, *(len(manifest.classes) for manifest in manifests)])
    group = np.concatenate(
        [own[0].counts.group.numpy() + start for own, start in zip(runs, first, strict=False)]
    )
    inter, union = (
        np.concatenate(
            [np.stack([getattr(run.counts, name)[:, 1] for run in own]) for own in runs], axis=1
        )
        for name in ("intersection", "union")
    )  # (seeds, episodes) each
    scenes = [source_scene(episode.query.image) for each in manifests for episode in each]
    return resample_iou(inter, union, group, scenes)


def _miou(run: RunCounts) -> float:
    return float(run.counts.score()["miou"].nan_to_num())


def _score_folds(
    manifests: Mapping[int, Manifest],
    runs: Sequence[Sequence[RunCounts]],
    resampled: ResampledIou,
) -> dict[str, Any]:
    folds, classes = [], []
    start = 0
    for (fold, manifest), own in zip(sorted(manifests.items()), runs, strict=True):
        numbers = range(start, start + len(manifest.classes))
        start += len(manifest.classes)
        mious = [_miou(run) for run in own]
        folds.append(
            {
                "fold": fold,
                "miou": float(np.mean(mious)),
                "miou_ci95": resampled.interval(numbers),
                "seeds": mious,
            }
        )
        episodes = np.bincount(own[0].counts.group.numpy(), minlength=len(manifest.classes))
        for number, name in zip(numbers, manifest.classes.values(), strict=True):
            classes.append(
                {
                    "fold": fold,
                    "class_name": name,
                    "iou": float(resampled.observed[number]),
                    "ci95": resampled.interval([number]),
                    "episodes": int(episodes[number - numbers[0]]),
                }
            )
    return {"folds": folds, "classes": classes}


def _compare(
    resampled: Mapping[str, ResampledIou], scores: Mapping[str, Any]
) -> list[dict[str, Any]]:
    pairs = []
    for first, second in itertools.combinations(resampled, 2):
        bootstrap = compare_resampled(resampled[first], resampled[second])
        # A training-free network ran once; it is paired with every seed of the other.
        own, other = np.broadcast_arrays(scores[first], scores[second])
        runs = asdict(compare_runs(own.ravel().tolist(), other.ravel().tolist()))
        pairs.append(
            {
                "first": first,
                "second": second,
                "difference": bootstrap.difference,
                "ci95": bootstrap.ci95,
                "p": bootstrap.p_value,
                "t_runs": runs["num_runs"],
                "t_p": runs["p_value"],
                "power": runs["power"],
                "detectable": runs["detectable"],
            }
        )
    for key in ("p", "t_p"):
        known = [pair for pair in pairs if pair[key] is not None]
        adjusted = adjust_holm([pair[key] for pair in known])
        for pair in pairs:
            pair[f"{key}_holm"] = None
        for pair, value in zip(known, adjusted, strict=True):
            pair[f"{key}_holm"] = value
    return pairs
