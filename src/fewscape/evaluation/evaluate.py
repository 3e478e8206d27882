"""Score a network on the episodes of a manifest."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fewscape import __version__
from fewscape.core import Policy
from fewscape.datasets import Manifest
from fewscape.evaluation.counting import Candidate, count_episodes
from fewscape.evaluation.intervals import bootstrap_iou
from fewscape.metrics import EpisodeOverlap, divide_overlap, sum_groups
from fewscape.models import FewShotModel
from fewscape.regions import MakeRegions


def evaluate(
    model: FewShotModel,
    manifest: Manifest,
    root: Path | str,
    model_name: str | None = None,
    policy: Policy | None = None,
    regions: MakeRegions | None = None,
    bands: Sequence[int] | None = None,
    batch_size: int = 8,
    max_feature_bytes: int | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Compute the IoU of every (data set, class), their mean, and 95 % intervals over episodes.

    Every crop is encoded once, however many episodes use it, unless the features for later episodes
    exceed ``max_feature_bytes``.

    Args:
        model: the network; it is moved to the policy's device and keeps its mode.
        manifest: the episodes.
        root: folder that the manifest's paths are relative to.
        model_name: name of the network in the results; its own name if not given.
        policy: device and precision; the best of this machine if not given.
        regions: region maker of the network, or None.
        bands: see ``FileCrops``.
        batch_size: episodes per batch.
        max_feature_bytes: memory for features of later episodes; by default what the machine can
            spare.
        on_progress: called after every batch with the number of finished episodes.

    Returns:
        The content of ``fewscape evaluate``'s file: ``miou``, ``miou_ci95``, ``fb_iou``,
        ``per_class``, ``model``, ``episodes_sha256``, ``seconds``, ``device``, ``precision``,
        ``version``. Scores are in [0, 1], or None if there was nothing to score.

    Raises:
        ManifestError: the manifest is empty, a file is missing, a window exceeds its image, or the
            labels are not those of the manifest.
    """
    started = time.perf_counter()
    name = model_name or model.name
    policy = policy or Policy.choose()
    counted = count_episodes(
        {name: Candidate(model, regions)},
        manifest,
        root,
        policy,
        bands,
        batch_size,
        max_feature_bytes,
        on_progress=on_progress,
    )
    return {
        **score_counts(manifest, counted.counts[name]),
        "model": name,
        "episodes_sha256": manifest.sha256,
        "seconds": round(time.perf_counter() - started, 3),
        "device": policy.device.type,
        "precision": str(policy.dtype).removeprefix("torch."),
        "version": __version__,
    }


def score_counts(manifest: Manifest, counts: EpisodeOverlap) -> dict[str, Any]:
    """``miou``, ``miou_ci95``, ``fb_iou`` and ``per_class`` of ``evaluate``.

    Args:
        manifest: the counted episodes.
        counts: their counts; groups are indices of the manifest's classes.
    """
    intersections, unions, group = counts
    num_groups = len(manifest.classes)
    intersection = sum_groups(intersections, group, num_groups)[:, 1]
    union = sum_groups(unions, group, num_groups)[:, 1]
    iou = divide_overlap(intersection, union)
    intervals = bootstrap_iou(
        intersections[:, 1].numpy(), unions[:, 1].numpy(), group.numpy(), num_groups
    )
    episodes = np.bincount(group.numpy(), minlength=num_groups)
    summary = counts.score()
    return {
        "miou": _plain(summary["miou"]),
        "miou_ci95": [_plain(bound) for bound in intervals.miou],
        "fb_iou": _plain(summary["fb_iou"]),
        "per_class": [
            {
                "dataset": dataset,
                "class_name": class_name,
                "iou": _plain(iou[number]),
                "ci95": [_plain(bound) for bound in intervals.per_group[number]],
                "episodes": int(episodes[number]),
                "intersection": int(intersection[number]),
                "union": int(union[number]),
            }
            for number, ((dataset, _), class_name) in enumerate(manifest.classes.items())
        ],
    }


def _plain(score: torch.Tensor | float) -> float | None:
    """Convert nan to None for JSON."""
    return None if math.isnan(score) else float(score)
