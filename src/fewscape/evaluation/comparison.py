"""Compare networks: scores and paired tests."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from fewscape.datasets import Manifest
from fewscape.evaluation.counting import Counted, join_counted
from fewscape.evaluation.evaluate import score_counts
from fewscape.evaluation.paired import adjust_holm, compare_pair


def compare_counts(manifest: Manifest, counted: Counted) -> dict[str, Any]:
    """Score every network, and test every pair of networks.

    Returns:
        ``models``: the scores of ``evaluate`` by name; ``pairs``: for each pair ``first``,
        ``second``, ``difference`` of mIoU, ``ci95``, ``p`` and ``p_holm``, which is adjusted for
        the number of pairs; the last three are None if a class has only one query image.
    """
    clusters = [episode.query.image for episode in manifest]
    return {
        "models": {name: score_counts(manifest, each) for name, each in counted.counts.items()},
        "pairs": compare_pairs(counted, clusters),
    }


def compare_folds(parts: Mapping[int, tuple[Manifest, Counted]]) -> dict[str, Any]:
    """``compare_counts`` over all folds, with each network's score per fold.

    Args:
        parts: manifests and counts by fold number.

    Returns:
        Like ``compare_counts``; ``models`` also have ``folds`` with ``fold``, ``miou``,
        ``miou_ci95`` and ``fb_iou``.
    """
    results = compare_counts(*join_counted(list(parts.values())))
    for name, scores in results["models"].items():
        scores["folds"] = []
        for fold, (manifest, counted) in parts.items():
            own = score_counts(manifest, counted.counts[name])
            kept = {key: own[key] for key in ("miou", "miou_ci95", "fb_iou")}
            scores["folds"].append({"fold": fold, **kept})
    return results


def compare_pairs(counted: Counted, clusters: Sequence[str]) -> list[dict[str, Any]]:
    """Run the paired tests; ``clusters`` are the episodes' query images."""
    foreground = {}
    for name, counts in counted.counts.items():
        foreground[name] = (counts.intersection[:, 1].numpy(), counts.union[:, 1].numpy())
    pairs: list[dict[str, Any]] = []
    for first, second in itertools.combinations(foreground, 2):
        test = compare_pair(foreground[first], foreground[second], counts.group.numpy(), clusters)
        pairs.append(
            {
                "first": first,
                "second": second,
                "difference": test.difference,
                "ci95": test.ci95 and list(test.ci95),
                "p": test.p_value,
            }
        )
    if any(pair["p"] is None for pair in pairs):  # all pairs share the clusters
        return [pair | {"p_holm": None} for pair in pairs]
    adjusted = adjust_holm([pair["p"] for pair in pairs])
    return [pair | {"p_holm": value} for pair, value in zip(pairs, adjusted, strict=True)]
