import numpy as np
import pytest

from fewscape.mapping.engine.next_places import Spots, choose_next_places, measure_unsureness


def make(values, unsure=None):
    values = np.array(values, np.float32)
    places = np.stack([np.zeros(len(values)), 10.0 * np.arange(len(values))], axis=1)
    flat = np.zeros(len(values), np.float32)
    return Spots(places, values, flat if unsure is None else np.array(unsure, np.float32))


DRAWN = np.array([[0.0, 0.0]], np.float32)


def columns(chosen):
    return [one.col / 10 for one in chosen]


def test_the_newest_ground_comes_first():
    spots = make([[0, 0], [0.1, 0], [5, 5], [1, 0]])
    assert columns(choose_next_places(spots, DRAWN, 1)) == [2]


def test_of_like_ground_the_one_that_the_map_is_unsure_of():
    spots = make([[1, 0], [1, 0], [1, 0]], [0.1, 0.9, 0.2])
    assert columns(choose_next_places(spots, DRAWN, 1)) == [1]


def test_a_chosen_place_counts_as_drawn():
    spots = make([[5, 5], [5, 5.1], [4, -4], [0, 0]])
    assert set(columns(choose_next_places(spots, DRAWN, 2))) in ({0, 2}, {1, 2})


def test_ground_that_is_typical_comes_before_an_outlier():
    """Nothing else is like the first spot, which is the farthest and the most uncertain."""
    spots = make([[9, -9], *([[5, 5]] * 8), [0, 0]], [1.0, *([0.5] * 8), 0.0])
    assert columns(choose_next_places(spots, DRAWN, 1))[0] in range(1, 9)


def test_many_spots_are_compared_in_part():
    values = np.random.default_rng(0).normal(size=(30_000, 4))
    values[10_000:20_000] += 8
    chosen = choose_next_places(make(values, np.ones(30_000)), np.zeros((1, 4), np.float32), 1)
    assert 10_000 <= columns(chosen)[0] < 20_000


def test_places_lie_apart():
    spots = make(np.random.default_rng(0).normal(size=(50, 3)))
    chosen = choose_next_places(spots, np.zeros((1, 3), np.float32), 5, apart=60)
    gaps = np.abs(np.subtract.outer(columns(chosen), columns(chosen)))
    assert gaps[~np.eye(len(chosen), dtype=bool)].min() > 6


def test_no_more_places_than_there_are():
    assert len(choose_next_places(make([[0, 0], [1, 1]]), DRAWN, 5)) == 2
    assert choose_next_places(make(np.zeros((0, 2))), DRAWN, 5) == []


def test_without_anything_drawn_unsureness_decides():
    spots = make([[1, 0], [2, 0]], [0.2, 0.8])
    empty = np.zeros((0, 2), np.float32)
    assert columns(choose_next_places(spots, empty, 1)) == [1]


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_unsureness_is_a_share_of_the_most(classes):
    even = np.full((classes, 4), 1 / classes, np.float32)
    np.testing.assert_allclose(measure_unsureness(even), 1, atol=1e-6)
    sure = np.zeros((classes, 4), np.float32)
    sure[0] = 1
    np.testing.assert_array_equal(measure_unsureness(sure), 0)
