import numpy as np
import pytest

from fewscape.models.experts import InformedDiscriminant
from tests.models.experts.drawn import draw_cells
from tests.reference import experts


@pytest.mark.parametrize("added", [0.05, 1.0])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_densities_are_those_of_scipy(added, is_weighted):
    cells = draw_cells()
    root = np.random.default_rng(3).normal(size=(4, 4))
    within = root @ root.T
    weights = cells.weights if is_weighted else None
    means, _ = experts.describe_all(cells.values, cells.classes, weights)
    expected = experts.compare(cells.scene, means, [within + added * np.eye(4)] * 3)
    expert = InformedDiscriminant(within, added).learn(cells.values, cells.classes, 3, weights)
    np.testing.assert_allclose(expert.predict(cells.scene), expected, atol=2e-4, rtol=1e-4)


def test_directions_in_which_classes_vary_count_little():
    """Two single cells differ in both features; only one of them tells classes apart."""
    values = np.array([[0, 0], [1, 1]], np.float32)
    within = np.diag([1.0, 0.01])
    expert = InformedDiscriminant(within, 0.01).learn(values, np.array([0, 1]), 2)
    logs = expert.predict(np.array([[3, 0.2], [-3, 0.8]], np.float32))
    assert logs.argmax(axis=1).tolist() == [0, 1]


def test_what_is_known_beforehand_stays():
    within = np.eye(2)
    InformedDiscriminant(within).learn(np.eye(2, dtype=np.float32), np.array([0, 1]), 2)
    assert (within == np.eye(2)).all()
