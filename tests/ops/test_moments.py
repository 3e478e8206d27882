"""Moments of classes, shrunk covariances, discriminants and whitening against slow versions."""

import numpy as np
import pytest
import torch

from fewscape.core import ShapeError
from fewscape.ops import describe_within, join_moments, separate, sum_moments, whiten
from fewscape.ops.moments import LEAST_VARIANCE
from tests.reference import closed_form


def draw(seed=0, batch=2, count=30, channels=4):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(batch, count, channels, generator=generator)
    share = torch.rand(batch, count, generator=generator)
    return rows, torch.stack([share, 1 - share], dim=2)


def as_lists(rows, weights):
    return [
        (rows[index].double().numpy(), *weights[index].double().numpy().T)
        for index in range(len(rows))
    ]


def test_a_wrong_shape_is_refused():
    with pytest.raises(ShapeError, match="weights has shape"):
        sum_moments(torch.zeros(1, 3, 2), torch.zeros(1, 4, 2))


@pytest.mark.parametrize("shrinkage", [0.1, 0.9, 1.0])
def test_the_covariance_is_that_of_the_reference(shrinkage):
    rows, weights = draw()
    within = describe_within(sum_moments(rows, weights), shrinkage)
    for found, own in zip(within, as_lists(rows, weights), strict=True):
        np.testing.assert_allclose(found, closed_form.shrunk_within(*own, shrinkage), atol=1e-5)


@pytest.mark.parametrize("shrinkage", [0.1, 0.9])
def test_the_score_is_the_log_ratio_of_two_normal_densities(shrinkage):
    rows, weights = draw(1)
    plane, offset = separate(sum_moments(rows, weights), shrinkage)
    scores = (rows @ plane[..., None])[..., 0] + offset[:, None]
    for found, own in zip(scores, as_lists(rows, weights), strict=True):
        expected = closed_form.normal_log_ratio(*own, shrinkage, own[0])
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_moments_of_parts_add_up():
    rows, weights = draw(2)
    parts = [sum_moments(rows[:, part], weights[:, part]) for part in (slice(7), slice(7, None))]
    for found, whole in zip(join_moments(parts), sum_moments(rows, weights), strict=True):
        assert torch.allclose(found, whole, atol=1e-5)


def test_sums_stay_exact_under_autocast():
    rows, weights = draw(3)
    expected = separate(sum_moments(rows, weights), 0.5)
    with torch.autocast("cpu", torch.bfloat16):
        found = separate(sum_moments(rows, weights), 0.5)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    ("present", "sign"), [((1.0, 0.0), 1.0), ((0.0, 1.0), -1.0), ((0.0, 0.0), 0.0)]
)
def test_a_missing_class_leaves_everything_to_the_other(present, sign):
    rows, weights = draw(4)
    plane, offset = separate(sum_moments(rows, weights * torch.tensor(present)), 0.9)
    assert not plane.any()
    assert offset.tolist() == [sign, sign]


def test_a_missing_class_is_left_out_of_the_covariance():
    rows, weights = draw(5)
    foreground = torch.tensor([1.0, 0.0])
    both = sum_moments(rows, weights[..., :1] * foreground)
    alone = sum_moments(rows, weights[..., :1])
    assert torch.allclose(describe_within(both, 0.3), describe_within(alone, 0.3))


def test_equal_cells_keep_a_covariance_that_can_be_inverted():
    within = describe_within(sum_moments(torch.ones(1, 6, 3), torch.ones(1, 6, 2)), 0.5)
    expected = 0.5 * LEAST_VARIANCE * torch.eye(3)[None]
    assert torch.allclose(within, expected, atol=1e-7)
    assert torch.linalg.inv(within).isfinite().all()


def test_whitened_cosines_are_those_of_the_symmetric_root():
    rows, weights = draw(6)
    white = whiten(rows, describe_within(sum_moments(rows, weights), 0.2))
    for found, own in zip(white, as_lists(rows, weights), strict=True):
        expected = closed_form.whiten(own[0], closed_form.shrunk_within(*own, 0.2))
        np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-4)
