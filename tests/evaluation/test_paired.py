import numpy as np
import pytest

from fewscape.evaluation import adjust_holm, compare_pair


def episodes(rng, gain, count=120):
    """Counts of two networks over episodes of 30 query images; the first is better by ``gain``."""
    image = rng.integers(30, size=count)
    hard = rng.uniform(0.2, 0.8, 30)[image]
    union = rng.integers(500, 1500, count)
    share = np.stack([hard + gain, hard]) + rng.normal(0, 0.02, (2, count))
    inter = (np.clip(share, 0, 1) * union).astype(np.int64)
    group = rng.integers(3, size=count)
    return (inter[0], union), (inter[1], union), group, [f"image{number}" for number in image]


def literal_difference(first, second, group):
    differences = []
    for number in sorted(set(group.tolist())):
        sums = [0, 0, 0, 0]
        for index, own in enumerate(group):
            if own == number:
                for place, values in enumerate((*first, *second)):
                    sums[place] += int(values[index])
        differences.append(sums[0] / sums[1] - sums[2] / sums[3])
    return sum(differences) / len(differences)


def test_the_difference_is_that_of_the_means_over_groups():
    data = episodes(np.random.default_rng(0), 0.05)
    assert compare_pair(*data).difference == pytest.approx(literal_difference(*data[:3]))


def test_a_clear_gain_is_found_and_its_sign_turns_with_the_order():
    first, second, group, images = episodes(np.random.default_rng(1), 0.05)
    better, worse = (
        compare_pair(first, second, group, images),
        compare_pair(second, first, group, images),
    )
    assert better.ci95[0] > 0 > worse.ci95[1]
    assert better.p_value < 0.01
    assert worse.difference == pytest.approx(-better.difference)


def test_equal_networks_rarely_differ():
    rng = np.random.default_rng(2)
    values = [compare_pair(*episodes(rng, 0.0), num_resamples=400).p_value for _ in range(40)]
    assert sum(value < 0.05 for value in values) <= 6


def test_a_network_equals_itself():
    first, _, group, images = episodes(np.random.default_rng(3), 0.0)
    test = compare_pair(first, first, group, images)
    assert (test.difference, test.ci95, test.p_value) == (0.0, (0.0, 0.0), 1.0)


def test_episodes_of_one_image_are_drawn_together():
    """Ten copies of an episode tell no more than one."""
    rng = np.random.default_rng(4)
    first, second, _, _ = episodes(rng, 0.03, count=12)
    one = [*first], [*second]
    group = np.zeros(12, np.int64)
    single = compare_pair(one[0], one[1], group, [f"image{n}" for n in range(12)])
    copied = compare_pair(
        *(tuple(np.repeat(values, 10) for values in part) for part in one),
        np.zeros(120, np.int64),
        [f"image{n}" for n in np.repeat(np.arange(12), 10)],
    )
    assert copied.ci95 == pytest.approx(single.ci95, abs=1e-12)


def test_one_query_image_says_nothing_of_how_images_vary():
    first, second, group, images = episodes(np.random.default_rng(5), 0.05)
    alone = [image if own else "image0" for own, image in zip(group, images, strict=True)]
    test = compare_pair(first, second, group, alone)
    assert test.difference == pytest.approx(literal_difference(first, second, group))
    assert (test.ci95, test.p_value) == (None, None)


def test_holm_steps_down_and_keeps_the_order_given():
    assert adjust_holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert adjust_holm([0.5, 0.9]) == [1.0, 1.0]
    assert adjust_holm([]) == []
