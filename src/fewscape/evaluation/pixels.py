"""Scores of the dual source network on labelled pixels (docs/methods/dual_source.md#scores)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from fewscape.core import DatasetError
from fewscape.metrics import count_confusion, score_confusion
from fewscape.models.dual_source import learn_prototypes


def evaluate_pixels(
    support_descriptors: torch.Tensor,
    support_labels: torch.Tensor,
    test_descriptors: torch.Tensor,
    test_labels: torch.Tensor,
    shots: int,
    temperature: float = 0.1,
    draws: int = 10,
    seed: int = 0,
) -> dict[str, Any]:
    """Classify all test pixels from K shots per class, over several draws of the supports.

    Args:
        support_descriptors: (N, D) descriptors to draw supports from.
        support_labels: (N,) from 1.
        test_descriptors: (P, D) descriptors of all test pixels.
        test_labels: (P,).
        shots: K.
        temperature: temperature of the cosines.
        draws: number of draws of the supports.
        seed: random seed of the draws.

    Returns:
        ``oa``, ``aa`` and ``kappa``, each a mean with its standard deviation over the draws
        (``oa_std`` ...) and its 95 % interval of the mean (``oa_ci95`` ...); ``recall`` of each
        class; ``confusion``, summed over the draws with the truth in rows; ``classes``.

    Raises:
        DatasetError: a test class has fewer labels than shots.
    """
    classes = torch.unique(test_labels)
    members = [torch.nonzero(support_labels == number)[:, 0] for number in classes]
    for number, own in zip(classes.tolist(), members, strict=True):
        if len(own) < shots:
            raise DatasetError(
                f"class {number} has {len(own)} labelled pixels to draw supports from",
                f"expected at least {shots}",
                "label more pixels or use fewer shots",
            )
    truth = torch.searchsorted(classes, test_labels)
    rng = np.random.default_rng(seed)
    counts, scores = [], []
    for _ in range(draws):
        chosen = [own[torch.from_numpy(rng.permutation(len(own))[:shots])] for own in members]
        owners = torch.arange(len(classes)).repeat_interleave(shots).to(test_labels.device)
        prototypes = learn_prototypes(support_descriptors[torch.cat(chosen)], owners)
        logits = prototypes.score(test_descriptors, temperature)
        counts.append(count_confusion(logits.argmax(dim=1), truth, len(classes)))
        own_scores = score_confusion(counts[-1])
        scores.append((own_scores.overall_accuracy, own_scores.average_accuracy, own_scores.kappa))
    told: dict[str, Any] = {"classes": classes.tolist(), "shots": shots, "draws": draws}
    for name, values in zip(("oa", "aa", "kappa"), np.array(scores).T, strict=True):
        deviation = float(values.std(ddof=1)) if draws > 1 else 0.0
        half = 1.96 * deviation / np.sqrt(draws)
        mean = float(values.mean())
        told |= {name: mean, f"{name}_std": deviation, f"{name}_ci95": [mean - half, mean + half]}
    total = torch.stack(counts).sum(dim=0)
    told["recall"] = score_confusion(total).recall.tolist()
    told["confusion"] = total.tolist()
    return told
