import numpy as np
import pytest

from fewscape.models.experts import Gaussian
from tests.models.experts.drawn import draw_cells
from tests.reference import experts


@pytest.mark.parametrize("added", [1e-3, 0.3, 2.0])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_densities_are_those_of_scipy(added, is_weighted):
    cells = draw_cells()
    weights = cells.weights if is_weighted else None
    means, covariances = experts.describe_all(cells.values, cells.classes, weights)
    covariances = [covariance + added * np.eye(4) for covariance in covariances]
    expected = experts.compare(cells.scene, means, covariances)
    found = Gaussian(added).learn(cells.values, cells.classes, 3, weights).predict(cells.scene)
    np.testing.assert_allclose(found, expected, atol=2e-4, rtol=1e-4)


def test_more_features_than_cells():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(6, 30)).astype(np.float32)
    values[3:] += 2
    classes = np.array([0, 0, 0, 1, 1, 1])
    logs = Gaussian().learn(values, classes, 2).predict(values)
    assert (logs.argmax(axis=1) == classes).all()
