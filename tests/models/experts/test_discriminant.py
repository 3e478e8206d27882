import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from fewscape.models.experts import LinearDiscriminant
from tests.models.experts.drawn import draw_cells
from tests.reference import experts


@pytest.mark.parametrize("shrinkage", [0.1, 0.3, 1.0])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_densities_are_those_of_scipy(shrinkage, is_weighted):
    cells = draw_cells()
    weights = cells.weights if is_weighted else None
    means, covariances = experts.describe_all(cells.values, cells.classes, weights)
    within = sum(covariances) / 3
    variance = sum(within[k, k] for k in range(4)) / 4
    shrunk = (1 - shrinkage) * within + shrinkage * variance * np.eye(4)
    expected = experts.compare(cells.scene, means, [shrunk] * 3)
    expert = LinearDiscriminant(shrinkage).learn(cells.values, cells.classes, 3, weights)
    np.testing.assert_allclose(expert.predict(cells.scene), expected, atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("shrinkage", [0.1, 0.3])
def test_it_is_scikit_learns_where_classes_have_as_many_cells(shrinkage):
    """Which scales features before it shrinks, so they get the same deviation beforehand."""
    rng = np.random.default_rng(0)
    classes = np.repeat([0, 1, 2], 60)
    values = rng.normal(size=(180, 4)) @ rng.normal(size=(4, 4))
    means = np.array([values[classes == k].mean(axis=0) for k in range(3)])
    values /= (values - means[classes]).std(axis=0)
    values = (values + 2 * rng.normal(size=(3, 4))[classes]).astype(np.float32)
    theirs = LinearDiscriminantAnalysis("lsqr", shrinkage=shrinkage).fit(values, classes)
    ours = LinearDiscriminant(shrinkage).learn(values, classes, 3)
    seen = rng.normal(size=(50, 4)).astype(np.float32)
    np.testing.assert_allclose(ours.predict(seen), theirs.predict_log_proba(seen), atol=0.02)
