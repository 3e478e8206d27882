import numpy as np
import pytest

from fewscape.models.experts import LearnedMetric
from tests.models.experts.drawn import draw_cells
from tests.reference import experts


@pytest.mark.parametrize("size", [2, 4, 6])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_log_probabilities_follow_the_squared_distances(size, is_weighted):
    cells = draw_cells()
    projection = np.random.default_rng(3).normal(size=(size, 4)).astype(np.float32)
    weights = cells.weights if is_weighted else None
    means, _ = experts.describe_all(cells.values, cells.classes, weights)
    found = LearnedMetric(projection).learn(cells.values, cells.classes, 3, weights)
    for cell, logs in zip(cells.scene, found.predict(cells.scene), strict=True):
        expected = np.array([-0.5 * ((projection @ (cell - mean)) ** 2).sum() for mean in means])
        expected -= np.log(np.exp(expected).sum())
        np.testing.assert_allclose(logs, expected, atol=1e-3, rtol=1e-3)


def test_features_that_the_metric_leaves_out_do_not_count():
    """Two single cells differ in both features; only the second tells classes apart."""
    values = np.array([[0, 0], [1, 1]], np.float32)
    projection = np.array([[0.1, 0], [0, 10]], np.float32)
    expert = LearnedMetric(projection).learn(values, np.array([0, 1]), 2)
    logs = expert.predict(np.array([[3, 0.2], [-3, 0.8]], np.float32))
    assert logs.argmax(axis=1).tolist() == [0, 1]


def test_the_metric_stays():
    projection = np.eye(2, dtype=np.float32)
    LearnedMetric(projection).learn(np.eye(2, dtype=np.float32), np.array([0, 1]), 2)
    assert (projection == np.eye(2)).all()


def test_near_cells_decide_and_classes_count_alike():
    values = np.array([[0, 0], [0.5, 0], [0.5, 0], [6, 0]], np.float32)
    expert = LearnedMetric(np.eye(2, dtype=np.float32))
    expert.learn(values, np.array([0, 1, 1, 1]), 2)
    votes = expert.trace(np.array([0.25, 9], np.float32), values)
    # As far from the first as from the next two, of a class of three; the last is far away.
    expected = np.array([1, 1 / 3, 1 / 3, 0]) / (1 + 2 / 3)
    np.testing.assert_allclose(votes, expected, atol=1e-6)
