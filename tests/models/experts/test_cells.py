import numpy as np
import pytest

from fewscape.models.experts import Cells, Scaling
from fewscape.models.experts.cells import FLAT, describe_classes, normalise
from tests.models.experts.drawn import draw_cells
from tests.reference import experts


def test_scaled_features_have_mean_0_and_deviation_1():
    rng = np.random.default_rng(0)
    values = rng.normal([3, -200, 0], [0.01, 50, 1], (500, 3)).astype(np.float32)
    scaling = Scaling.measure(values)
    assert scaling.mean.dtype == scaling.deviation.dtype == np.float32
    scaled = scaling.apply(values)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-3)
    other = scaling.apply(values[:4] + 1)
    slow = (values[:4].astype(float) + 1 - values.mean(0, float)) / values.std(0, dtype=float)
    np.testing.assert_allclose(other, slow, rtol=1e-4, atol=1e-3)


def test_features_that_never_vary_become_0_wherever_they_are_applied():
    values = np.array([[5, 1], [5, 2]], np.float32)
    scaling = Scaling.measure(values)
    assert scaling.apply(np.array([[9, 1.5], [5, 3]], np.float32)).tolist() == [[0, 0], [0, 3]]
    assert not Scaling(values[0], np.full(2, FLAT, np.float32)).apply(values).any()


def test_a_scene_of_one_cell_is_all_0():
    values = np.array([[5, 1]], np.float32)
    assert not Scaling.measure(values).apply(values).any()


def test_sums_of_large_scenes_stay_exact():
    values = np.full((400_000, 1), 0.1, np.float32)
    values[::2] += 0.001
    scaling = Scaling.measure(values)
    assert scaling.mean[0] == pytest.approx(0.1005, abs=1e-7)
    assert scaling.deviation[0] == pytest.approx(0.0005, rel=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_each_polygon_of_a_class_counts_the_same(seed):
    cells = draw_cells(seed=seed)
    np.testing.assert_allclose(cells.weights, experts.weigh(cells.classes, cells.polygons))
    np.testing.assert_allclose(
        np.bincount(cells.classes, cells.weights), np.bincount(cells.classes)
    )


def test_weights_where_a_number_of_a_class_is_left_out():
    cells = Cells(
        np.zeros((3, 1), np.float32), np.array([0, 2, 2]), np.array([7, 9, 9]), np.zeros((1, 1))
    )
    assert cells.weights.tolist() == [1, 1, 1]
    assert cells.num_classes == 3


def test_some_cells_are_chosen():
    cells = draw_cells()
    few = cells.choose(cells.polygons == 4)
    assert set(few.polygons) == {4}
    assert set(few.classes) == {1}
    assert len(few.values) == (cells.polygons == 4).sum()
    assert few.scene is cells.scene


@pytest.mark.parametrize("is_weighted", [False, True])
def test_classes_are_described(is_weighted):
    cells = draw_cells()
    weights = cells.weights if is_weighted else None
    found = describe_classes(cells.values, cells.classes, 3, weights)
    expected = experts.describe_all(cells.values, cells.classes, weights)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == np.float64
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_log_probabilities_add_up_to_one_however_small_the_densities():
    logs = normalise(np.array([[-5000.0, -5001.0], [3, 3], [0, -2000]]))
    assert logs.dtype == np.float32
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1, rtol=1e-6)
    assert logs[0].tolist() == pytest.approx([-0.3132617, -1.3132617])
    assert logs[2].tolist() == [0, -2000]
