import numpy as np
import pytest
import scipy.stats

from fewscape.evaluation import bootstrap_iou
from tests.reference import iou as reference


@pytest.fixture
def counts():
    rng = np.random.default_rng(0)
    union = rng.integers(50, 400, 60)
    return (rng.random(60) * union).astype(np.int64), union, np.repeat([0, 1, 2], [10, 20, 30])


def test_agrees_with_the_loop(counts):
    intervals = bootstrap_iou(*counts, 3, num_resamples=4000)
    scores = reference.bootstrap(*counts, 3, 1500, np.random.default_rng(9))
    expected = np.quantile(scores, [0.025, 0.975], axis=1).T
    np.testing.assert_allclose(intervals.per_group, expected, atol=0.012)
    np.testing.assert_allclose(
        intervals.miou, np.quantile(scores.mean(0), [0.025, 0.975]), atol=0.008
    )


def test_agrees_with_scipy(counts):
    intersection, union, group = (part[30:] for part in counts)

    def iou(top, bottom, axis):
        return top.sum(axis) / bottom.sum(axis)

    expected = scipy.stats.bootstrap(
        (intersection, union), iou, paired=True, method="percentile", n_resamples=4000,
        rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    found = bootstrap_iou(intersection, union, group * 0, 1, num_resamples=4000)
    np.testing.assert_allclose(found.per_group[0], expected, atol=0.01)
    np.testing.assert_allclose(found.miou, found.per_group[0])


def test_is_repeatable_and_widens_with_the_level(counts):
    first, second = (bootstrap_iou(*counts, 3, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.per_group, second.per_group)
    wide = bootstrap_iou(*counts, 3, seed=5, level=0.99)
    assert wide.miou[0] < first.miou[0] < first.miou[1] < wide.miou[1]


def test_groups_without_union_are_nan_and_do_not_count():
    intersection, union = np.array([5, 5, 0, 0]), np.array([10, 10, 0, 0])
    intervals = bootstrap_iou(intersection, union, np.array([0, 0, 1, 1]), 3)
    np.testing.assert_array_equal(intervals.per_group[0], [0.5, 0.5])
    assert np.isnan(intervals.per_group[1:]).all()
    np.testing.assert_array_equal(intervals.miou, [0.5, 0.5])


def test_one_episode_says_nothing_of_how_episodes_vary():
    inter, union, group = np.array([3, 4, 5]), np.array([9, 9, 9]), np.array([0, 0, 1])
    bounds = bootstrap_iou(inter, union, group, 2)
    assert np.isfinite(bounds.per_group[0]).all()
    assert np.isnan(bounds.per_group[1]).all()
    assert np.isnan(bounds.miou).all()
