import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from fewscape.models.experts import Forest
from fewscape.models.experts.forest import LEAST
from tests.models.experts.drawn import draw_cells

KINDS = {"random": RandomForestClassifier, "extremely_randomised": ExtraTreesClassifier}


@pytest.mark.parametrize("kind", KINDS)
def test_trees_are_averaged_and_nothing_is_impossible(kind):
    cells = draw_cells()
    forest = Forest(kind, num_trees=15, least_leaf=2).learn(cells.values, cells.classes, 3)
    trees = KINDS[kind](
        15, min_samples_leaf=2, class_weight="balanced", random_state=0, n_jobs=1
    ).fit(cells.values, cells.classes)
    shares = np.zeros((200, 3))
    for tree in trees.estimators_:
        shares += tree.predict_proba(cells.scene) / 15
    expected = np.log((shares + LEAST) / (1 + 3 * LEAST))
    np.testing.assert_allclose(forest.predict(cells.scene), expected, atol=1e-5)
    assert forest.predict(cells.values).min() >= np.log(LEAST / (1 + 3 * LEAST)) - 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_weights_count(kind):
    """Cells without weight teach nothing."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(300, 2)).astype(np.float32)
    classes = (values[:, 0] > 0).astype(np.int64)
    lie = rng.random(300) < 0.3
    weights = np.where(lie, 0.0, 1.0)
    told = np.where(lie, 1 - classes, classes)
    found = Forest(kind, 30, least_leaf=1).learn(values, told, 2, weights).predict(values)
    assert (found.argmax(axis=1) == classes).mean() > 0.97
