import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fewscape.core import ShapeError
from fewscape.metrics import count_overlap, divide_overlap, sum_groups
from tests.reference import iou as reference


@given(st.integers(0, 200), st.integers(1, 3), st.integers(1, 6), st.integers(1, 6))
def test_counts_are_those_of_sets(seed, batch, height, width):
    rng = np.random.default_rng(seed)
    prediction = rng.integers(0, 2, (batch, height, width)).astype(bool)
    mask = rng.choice(np.array([0, 1, 255], np.uint8), (batch, height, width))
    intersection, union = count_overlap(torch.from_numpy(prediction), torch.from_numpy(mask))
    assert intersection.dtype == union.dtype == torch.int64
    for episode in range(batch):
        for value in (0, 1):
            expected = reference.overlap(prediction[episode], mask[episode], value)
            assert (intersection[episode, value], union[episode, value]) == expected


def test_integer_predictions_count_like_booleans():
    mask = torch.tensor([[[0, 1, 255, 1]]], dtype=torch.uint8)
    prediction = torch.tensor([[[1, 1, 1, 0]]])
    for first, second in zip(
        count_overlap(prediction, mask), count_overlap(prediction.bool(), mask), strict=True
    ):
        assert torch.equal(first, second)


def test_sums_and_quotients():
    counts = torch.tensor([[1, 2], [3, 4], [5, 6]])
    assert sum_groups(counts, torch.tensor([2, 0, 2]), 3).tolist() == [[3, 4], [0, 0], [6, 8]]
    assert divide_overlap(torch.tensor([2**60]), torch.tensor([2**61])).tolist() == [0.5]
    assert divide_overlap(torch.tensor([0]), torch.tensor([0])).isnan().all()


def test_refuses_other_shapes():
    with pytest.raises(ShapeError, match=r"mask has shape \(1, 3, 2\); expected \(B, H, W\)"):
        count_overlap(torch.zeros(1, 2, 3), torch.zeros(1, 3, 2))
