import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fewscape.core import ShapeError
from fewscape.metrics import ConfusionMatrix, count_confusion, score_confusion

CLASSES = 4


def draw(seed, size=40):
    generator = torch.Generator().manual_seed(seed)
    prediction = torch.randint(0, CLASSES, (2, size, 3), generator=generator)
    labels = torch.randint(0, CLASSES + 1, (2, size, 3), generator=generator).to(torch.uint8)
    return prediction, torch.where(labels == CLASSES, 255, labels).to(torch.uint8)


def literal_counts(prediction, labels):
    counts = [[0] * CLASSES for _ in range(CLASSES)]
    for guess, truth in zip(prediction.flatten().tolist(), labels.flatten().tolist(), strict=True):
        if truth != 255:
            counts[truth][guess] += 1
    return counts


@given(seed=st.integers(0, 1000))
def test_counts_are_those_of_the_loop(seed):
    prediction, labels = draw(seed)
    counts = count_confusion(prediction, labels, CLASSES)
    assert counts.tolist() == literal_counts(prediction, labels)


def test_scores_are_those_of_the_definitions():
    prediction, labels = draw(0)
    counts = literal_counts(prediction, labels)
    scores = score_confusion(torch.tensor(counts))
    for number in range(CLASSES):
        right = counts[number][number]
        missed = sum(counts[number]) - right
        wrong = sum(row[number] for row in counts) - right
        precision, recall = right / (right + wrong), right / (right + missed)
        assert scores.iou[number].item() == pytest.approx(right / (right + wrong + missed))
        assert scores.precision[number].item() == pytest.approx(precision)
        assert scores.recall[number].item() == pytest.approx(recall)
        f1 = 2 * precision * recall / (precision + recall)
        assert scores.f1[number].item() == pytest.approx(f1)
    assert scores.miou == pytest.approx(scores.iou.mean().item())
    everything = sum(map(sum, counts))
    right = sum(counts[number][number] for number in range(CLASSES))
    assert scores.overall_accuracy == pytest.approx(right / everything)


def test_unscored_classes_leave_the_means_but_not_the_counts():
    """A car predicted on clutter is a false positive; the accuracy includes clutter."""
    counts = torch.tensor([[8, 0, 0], [0, 6, 2], [0, 4, 4]])
    whole, without = score_confusion(counts), score_confusion(counts, [0, 1])
    assert without.miou == pytest.approx((1 + 6 / 12) / 2)
    assert without.overall_accuracy == whole.overall_accuracy
    assert whole.miou == pytest.approx((1 + 6 / 12 + 4 / 10) / 3)


def test_absent_classes_are_nan_and_leave_the_mean():
    scores = score_confusion(torch.tensor([[5, 0], [0, 0]]))
    assert math.isnan(scores.iou[1])
    assert scores.miou == 1


def test_batches_add_up():
    matrix = ConfusionMatrix(CLASSES)
    parts = [draw(seed) for seed in range(3)]
    for part in parts:
        matrix.update(*part)
    whole = [torch.cat(tensors) for tensors in zip(*parts, strict=True)]
    assert matrix.compute().tolist() == literal_counts(*whole)
    matrix.reset()
    assert matrix.counts.sum() == 0


def test_other_shapes_are_refused():
    with pytest.raises(ShapeError, match="labels has shape"):
        ConfusionMatrix(2).update(torch.zeros(1, 4, 4), torch.zeros(1, 4, 5))
