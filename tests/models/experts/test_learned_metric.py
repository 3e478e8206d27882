import numpy as np
import pytest

from fewscape.models.experts import LearnedMetric, learned_metric
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


def test_each_polygon_is_a_mean_of_its_own():
    """A class of two kinds of ground: what lies between them is not of the class."""
    values = np.array([[-4, 0], [-4.2, 0], [4, 0], [4, 0.2], [0, 1]], np.float32)
    classes, polygons = np.array([0, 0, 0, 0, 1]), np.array([0, 0, 1, 1, 2])
    expert = LearnedMetric(np.eye(2, dtype=np.float32)).learn(values, classes, 2, polygons=polygons)
    means = np.array([[-4.1, 0], [4, 0.1]])
    for cell in np.array([[0, 0], [-3.5, 0.3], [3, 1]], np.float32):
        near = np.exp(-0.5 * min(((cell - mean) ** 2).sum() for mean in means))
        far = np.exp(-0.5 * ((cell - [0, 1]) ** 2).sum())
        expected = np.log([near / (near + far), far / (near + far)])
        np.testing.assert_allclose(expert.predict(cell[None])[0], expected, rtol=1e-3)
    one = LearnedMetric(np.eye(2, dtype=np.float32)).learn(values, classes, 2)
    assert one.predict(np.zeros((1, 2), np.float32)).argmax() == 0
    assert expert.predict(np.zeros((1, 2), np.float32)).argmax() == 1


def test_polygons_share_what_was_decided_by_their_distance():
    values = np.array([[0, 0], [0, 0], [3, 0], [9, 0]], np.float32)
    classes, polygons = np.array([0, 0, 0, 1]), np.array([5, 5, 7, 8])
    expert = LearnedMetric(np.eye(2, dtype=np.float32)).learn(values, classes, 2, polygons=polygons)
    found = expert.trace(np.array([1, 0], np.float32))
    near, far = np.exp([-0.5, -2.0]) / np.exp([-0.5, -2.0]).sum()
    np.testing.assert_allclose(found, [near / 2, near / 2, far, 1], rtol=1e-5)


def test_means_of_very_many_polygons_are_grouped(monkeypatch):
    """Two far kinds of ground, 20 polygons each: two groups tell what all means tell."""
    rng = np.random.default_rng(0)
    kinds = np.array([[-6, 0], [6, 0]], np.float32)[np.arange(40) % 2]
    near = kinds + rng.normal(0, 0.005, kinds.shape)
    values = np.concatenate([near, [[0, 2]]]).astype(np.float32)
    classes, polygons = np.array([0] * 40 + [1]), np.arange(41)
    cells = rng.normal(0, 4, (50, 2)).astype(np.float32)
    maps, shares = [], []
    for most in (32 * 2, 2):
        monkeypatch.setattr(learned_metric, "MOST_MEANS", most)
        expert = LearnedMetric(np.eye(2, dtype=np.float32))
        expert.learn(values, classes, 2, polygons=polygons)
        maps.append(expert.predict(cells))
        shares.append(expert.trace(cells[0])[:40].reshape(20, 2).sum(axis=0))
        assert expert.weights.shape == (2, min(most, 40) + 1)
    np.testing.assert_allclose(*maps, atol=0.2)
    np.testing.assert_allclose(*shares, atol=0.05)


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
