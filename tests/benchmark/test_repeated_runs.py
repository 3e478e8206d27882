import numpy as np
import pytest
from scipy import stats

from fewscape.benchmark.published.repeated_runs import (
    EFFECT,
    compare_runs,
    find_power,
    interval_of_runs,
)


def test_the_test_is_that_of_scipy():
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.4, 0.05, 9), rng.normal(0.38, 0.05, 9)
    found = compare_runs(first.tolist(), second.tolist())
    assert found.p_value == pytest.approx(stats.ttest_rel(first, second).pvalue)
    assert found.difference == pytest.approx((first - second).mean())
    assert found.num_runs == 9


@pytest.mark.parametrize(("number", "ratio"), [(3, 2.0), (9, 1.0), (15, 3.0)])
def test_power_is_how_often_the_test_finds_the_difference(number, ratio):
    rng = np.random.default_rng(1)
    drawn = rng.normal(ratio / number**0.5, 1.0, (20_000, number))
    p_values = stats.ttest_1samp(drawn, 0, axis=1).pvalue
    assert find_power(ratio, number) == pytest.approx((p_values < 0.05).mean(), abs=0.01)


@pytest.mark.parametrize("number", [2, 3, 9, 30])
def test_power_rises_from_the_level_to_one(number):
    powers = [find_power(ratio, number) for ratio in np.linspace(0, 100, 60)]
    assert powers[0] == pytest.approx(0.05)
    assert np.all(np.diff(powers) > -1e-9)
    assert powers[-1] > 0.99


def test_what_is_detectable_has_a_power_of_four_fifths():
    differences = np.random.default_rng(2).normal(0.01, 0.02, 9)
    found = compare_runs(differences.tolist(), [0.0] * 9)
    error = differences.std(ddof=1) / 3
    assert find_power(found.detectable / error, 9) == pytest.approx(0.8)
    assert find_power(EFFECT / error, 9) == pytest.approx(found.power)


@pytest.mark.parametrize("scores", [[0.3], [0.3, 0.3, 0.3]])
def test_without_variation_nothing_is_claimed(scores):
    found = compare_runs([score + 0.1 for score in scores], scores)
    assert found.difference == pytest.approx(0.1)
    assert (found.p_value, found.power, found.detectable) == (None, None, None)


def test_interval_of_the_mean_over_trainings():
    scores = [0.40, 0.42, 0.38]
    low, high = interval_of_runs(scores)
    expected = stats.ttest_1samp(scores, 0).confidence_interval(0.95)
    assert (low, high) == pytest.approx((expected.low, expected.high))
    assert interval_of_runs([0.4]) is None
