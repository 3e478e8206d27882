import numpy as np
import pytest

from fewscape.models.experts import estimate_priors
from fewscape.models.experts.priors import ROUNDS
from tests.reference import experts


@pytest.mark.parametrize("num_classes", [1, 2, 5])
def test_shares_equal_those_of_the_slow_way(num_classes):
    rng = np.random.default_rng(num_classes)
    logs = np.log(rng.dirichlet(np.full(num_classes, 0.4), 60) + 1e-9).astype(np.float32)
    found = estimate_priors(logs)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, experts.estimate_priors(logs, ROUNDS), atol=1e-6)
    assert found.sum() == pytest.approx(1)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_the_shares_of_a_scene_are_found(share):
    rng = np.random.default_rng(0)
    truth = rng.random(20_000) < share
    values = np.where(truth, 1.0, -1.0) + rng.normal(0, 1, len(truth))
    scores = np.stack([-0.5 * (values + 1) ** 2, -0.5 * (values - 1) ** 2], axis=1)
    logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    assert estimate_priors(logs.astype(np.float32))[1] == pytest.approx(share, abs=0.03)


def test_nothing_known_leaves_equal_shares():
    assert estimate_priors(np.log(np.full((9, 4), 0.25, np.float32))).tolist() == [0.25] * 4


def test_classes_that_are_impossible_everywhere_have_no_share():
    logs = np.log(np.array([[1, 1e-30]] * 3, np.float32))
    found = estimate_priors(logs)
    assert np.isfinite(found).all()
    assert found[1] == pytest.approx(0, abs=1e-6)
