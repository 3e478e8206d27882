"""What all experts keep to."""

import numpy as np
import pytest

from fewscape.models.experts import Forest, Gaussian, LearnedMetric, LinearDiscriminant
from tests.models.experts.drawn import draw_cells

MAKERS = {
    "gaussian": Gaussian,
    "discriminant": LinearDiscriminant,
    "metric": lambda: LearnedMetric(np.eye(4, dtype=np.float32)),
    "extremely_randomised": lambda: Forest(num_trees=20),
    "random": lambda: Forest("random", num_trees=20, least_leaf=1),
}


@pytest.fixture(params=MAKERS)
def expert(request):
    return MAKERS[request.param]()


def check(logs, count, num_classes):
    assert logs.shape == (count, num_classes)
    assert logs.dtype == np.float32
    assert np.isfinite(logs).all()
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("num_classes", [1, 2, 3])
def test_probabilities_of_all_classes(expert, num_classes):
    cells = draw_cells(num_classes)
    assert expert.learn(cells.values, cells.classes, num_classes, cells.weights) is expert
    check(expert.predict(cells.scene), 200, num_classes)
    assert (expert.predict(cells.values).argmax(axis=1) == cells.classes).mean() > 0.8


def test_the_same_cells_give_the_same(expert):
    cells = draw_cells()
    found = [
        expert.learn(cells.values, cells.classes, 3).predict(cells.scene).copy() for _ in range(2)
    ]
    np.testing.assert_array_equal(*found)


def test_one_cell_of_each_class(expert):
    values = np.array([[0, 0, 0, 0], [3, 0, 0, 0]], np.float32)
    expert.learn(values, np.array([0, 1]), 2)
    logs = expert.predict(values)
    check(logs, 2, 2)
    assert (np.diff(logs)[:, 0] * (-1, 1) >= 0).all()


def test_classes_that_look_the_same_are_equally_probable(expert):
    expert.learn(np.zeros((8, 4), np.float32), np.arange(8) % 2, 2)
    logs = expert.predict(np.zeros((3, 4), np.float32))
    check(logs, 3, 2)
    # Random forests see cells by chance.
    np.testing.assert_allclose(logs, np.log(0.5), atol=0.1)


def test_a_feature_that_never_varies_changes_nothing(expert):
    cells = draw_cells()
    values, scene = cells.values.copy(), cells.scene.copy()
    values[:, 3] = scene[:, 3] = 0
    expert.learn(values, cells.classes, 3, cells.weights)
    check(expert.predict(scene), 200, 3)


def test_cells_far_from_everything_have_finite_numbers(expert):
    cells = draw_cells()
    expert.learn(cells.values, cells.classes, 3)
    check(expert.predict(np.full((2, 4), 40, np.float32)), 2, 3)


@pytest.mark.parametrize("make", [Gaussian, LinearDiscriminant])
def test_no_cells_to_judge(make):
    cells = draw_cells()
    expert = make().learn(cells.values, cells.classes, 3)
    assert expert.predict(cells.scene[:0]).shape == (0, 3)


def test_classes_count_the_same_however_many_cells_they_have(expert):
    """Of one distribution drawn ten times more often as one class than as the other."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2200, 4)).astype(np.float32)
    classes = (np.arange(2200) < 200).astype(np.int64)
    logs = expert.learn(values, classes, 2).predict(rng.normal(size=(500, 4)).astype(np.float32))
    # Trees with leaves of few cells are least even.
    assert np.exp(logs).mean(axis=0)[1] == pytest.approx(0.5, abs=0.35)
