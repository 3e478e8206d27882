"""The confusion matrix and its scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torchmetrics import Metric

from fewscape.core import IGNORE, check_shape


def count_confusion(
    prediction: torch.Tensor, labels: torch.Tensor, num_classes: int
) -> torch.Tensor:
    """Count pixels per true and predicted class.

    Args:
        prediction: integers below N, of the labels' shape.
        labels: class of each pixel, 255 unknown; unknown pixels are ignored.
        num_classes: N.

    Returns:
        (N, N) int64 on the labels' device; rows are the truth.

    Examples:
        >>> count_confusion(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 255]), 2).tolist()
        [[1, 1], [0, 0]]
    """
    known = labels != IGNORE
    pairs = labels[known].long() * num_classes + prediction[known].long()
    return torch.bincount(pairs, minlength=num_classes**2).view(num_classes, num_classes)


@dataclass(frozen=True, slots=True)
class ClassScores:
    """Scores in [0, 1], float64; nan for a class in neither truth nor prediction."""

    iou: torch.Tensor
    """(N,) IoU of each class."""
    f1: torch.Tensor
    """(N,) harmonic mean of precision and recall."""
    precision: torch.Tensor
    """(N,)."""
    recall: torch.Tensor
    """(N,)."""
    overall_accuracy: float
    """Share of correct known pixels over all classes."""
    average_accuracy: float
    """Mean recall of the classes in the truth."""
    kappa: float
    """Agreement beyond chance (Cohen)."""
    miou: float
    """Mean IoU of the scored classes that occur."""
    mean_f1: float
    """Mean F1, likewise."""


def score_confusion(confusion: torch.Tensor, scored: Sequence[int] | None = None) -> ClassScores:
    """Compute scores from counts (N, N) with the truth in rows.

    Args:
        confusion: of ``count_confusion``, summed over everything.
        scored: classes in the means; all if None. Pixels of the others stay in the counts, so
            that a car predicted on clutter is a false positive (ISPRS), and in the accuracy.

    Examples:
        >>> scores = score_confusion(torch.tensor([[2, 0], [1, 1]]))
        >>> [round(value, 3) for value in scores.iou.tolist()], scores.overall_accuracy
        ([0.667, 0.5], 0.75)
    """
    counts = confusion.double().cpu()
    right, truth, predicted = counts.diagonal(), counts.sum(1), counts.sum(0)
    iou = right / (truth + predicted - right)
    f1 = 2 * right / (truth + predicted)
    means = list(range(len(counts)) if scored is None else scored)
    return ClassScores(
        iou=iou,
        f1=f1,
        precision=right / predicted,
        recall=right / truth,
        overall_accuracy=float(right.sum() / counts.sum()),
        average_accuracy=float((right / truth).nanmean()),
        kappa=_find_kappa(counts),
        miou=float(iou[means].nanmean()),
        mean_f1=float(f1[means].nanmean()),
    )


def _find_kappa(counts: torch.Tensor) -> float:
    total = counts.sum()
    observed = counts.diagonal().sum() / total
    expected = (counts.sum(1) * counts.sum(0)).sum() / total**2
    return float((observed - expected) / (1 - expected))


class ConfusionMatrix(Metric):  # type: ignore[misc]
    """Counts of true and predicted classes, kept on the device and summed over processes.

    Args:
        num_classes: N.
    """

    full_state_update = False
    is_differentiable = False
    higher_is_better = True

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        zeros = torch.zeros(num_classes, num_classes, dtype=torch.int64)
        self.add_state("counts", default=zeros, dist_reduce_fx="sum")

    def update(self, prediction: torch.Tensor, labels: torch.Tensor) -> None:
        """Count a batch.

        Args:
            prediction: (B, H, W) class of each pixel.
            labels: (B, H, W), 255 unknown.

        Raises:
            ShapeError: the shapes differ.
        """
        check_shape(labels, "B H W", "labels", **check_shape(prediction, "B H W", "prediction"))
        self.counts += count_confusion(prediction, labels, self.num_classes)

    def compute(self) -> torch.Tensor:
        """(N, N) int64, rows the truth; see ``score_confusion``."""
        counts: torch.Tensor = self.counts
        return counts
