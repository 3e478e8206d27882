import pytest
import torch
import torch.nn.functional as F

from fewscape.core import DatasetError
from fewscape.evaluation import evaluate_pixels
from fewscape.metrics import score_confusion


def draw(count=60, noise=0.2):
    labels = torch.arange(count) % 3 + 1
    return F.normalize(torch.eye(3)[labels - 1] + noise * torch.randn(count, 3), dim=1), labels


def test_the_worked_example():
    scores = score_confusion(torch.tensor([[50, 10], [5, 35]]))
    assert scores.overall_accuracy == pytest.approx(0.85)
    assert scores.average_accuracy == pytest.approx(0.8542, abs=5e-5)
    assert scores.kappa == pytest.approx(0.6939, abs=5e-5)


def test_absent_classes_leave_the_average():
    scores = score_confusion(torch.tensor([[3, 1, 0], [0, 0, 0], [0, 0, 4]]))
    assert scores.average_accuracy == pytest.approx((0.75 + 1) / 2)


@pytest.mark.parametrize("shots", [1, 5])
def test_separate_classes_are_told_apart(shots):
    descriptors, labels = draw()
    scores = evaluate_pixels(descriptors, labels, descriptors, labels, shots)
    assert scores["aa"] > 0.9
    low, high = scores["aa_ci95"]
    assert low <= scores["aa"] <= high
    assert sum(map(sum, scores["confusion"])) == 10 * len(labels)


def test_a_pixel_is_classified_by_itself():
    descriptors, labels = draw(90, noise=0.6)
    whole = evaluate_pixels(descriptors, labels, descriptors, labels, 5, draws=3)
    parts = [
        evaluate_pixels(descriptors, labels, descriptors[n::3], labels[n::3], 5, draws=3)
        for n in range(3)
        if len(labels[n::3].unique()) == 3
    ]
    assert all(part["classes"] == whole["classes"] for part in parts)
    again = evaluate_pixels(descriptors, labels, descriptors, labels, 5, draws=3)
    assert again == whole


def test_too_few_labels_are_told():
    descriptors, labels = draw(9)
    with pytest.raises(DatasetError, match=r"class 1 has 3 labelled pixels .*at least 5"):
        evaluate_pixels(descriptors, labels, descriptors, labels, 5)
