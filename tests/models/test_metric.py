"""A metric learned on episodes lowers the features that do not tell classes apart."""

import numpy as np
import pytest
import torch

from fewscape.core import DatasetError
from fewscape.models.ensemble import metric
from fewscape.models.ensemble.labelled_cells import LabelledCells
from fewscape.models.ensemble.metric import train_metric
from fewscape.models.experts import LearnedMetric

SIZE = 6
"""Features: the first two tell classes apart, the third by its disc alone, the rest is noise."""


def make_cells(source, seed, classes=3):
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 1.5, (classes, 2))

    def draw(*shape):
        values = rng.normal(size=(classes, *shape, SIZE))
        values[..., :2] = 0.4 * values[..., :2] + centres.reshape(classes, *[1] * len(shape), 2)
        return values

    discs = draw(8, 10)
    # Constant within a disc, as the look of one roof is: within the scene it is noise.
    discs[..., 2] = rng.normal(size=(classes, 8, 1))
    return LabelledCells(source, torch.from_numpy(discs).half(), torch.from_numpy(draw(60)).half())


def score(projection, cells):
    """Share of queries that are found by one disc a class."""
    hits = []
    numbers = np.arange(len(cells.queries))
    for disc in range(cells.discs.shape[1]):
        values = cells.discs[:, disc].float().numpy()
        classes = np.repeat(numbers, values.shape[1])
        expert = LearnedMetric(projection).learn(values.reshape(-1, SIZE), classes, len(numbers))
        found = expert.predict(cells.queries.float().numpy().reshape(-1, SIZE)).argmax(axis=1)
        hits.append((found == np.repeat(numbers, cells.queries.shape[1])).mean())
    return np.mean(hits)


@pytest.fixture(scope="module")
def learned():
    crops = [make_cells(name, seed) for seed, name in enumerate("aabbb")]
    return train_metric(crops, steps=300)


def test_classes_of_new_crops_are_told_apart_better(learned):
    new = [make_cells("c", seed) for seed in range(10, 16)]
    plain = np.mean([score(np.eye(SIZE, dtype=np.float32), cells) for cells in new])
    ours = np.mean([score(learned.numpy(), cells) for cells in new])
    assert ours > plain + 0.05


def test_features_that_tell_nothing_count_little(learned):
    weight = learned.square().sum(dim=0)
    assert learned.dtype == torch.float32
    assert not learned.requires_grad
    assert weight[2:].max() < 0.5 * weight[:2].min()


def test_the_matrix_starts_as_the_whitening_of_the_data_sets(monkeypatch):
    """No step: A^T A is the inverse of the mean covariance within classes, times e^-3."""
    crops = [make_cells(name, seed, 2 + seed) for seed, name in enumerate("abb")]
    covariances = [
        np.mean([np.cov(own.double().numpy().T) for own in cells.queries], axis=0)
        for cells in crops
    ]
    within = (covariances[0] + (covariances[1] + covariances[2]) / 2) / 2
    expected = np.exp(-3) * np.linalg.inv(within + 0.05 * np.eye(SIZE))
    monkeypatch.setattr(metric, "RATE", 0.0)
    monkeypatch.setattr(metric, "TEMPERATURE_RATE", 0.0)
    found = train_metric(crops, steps=1).double()
    np.testing.assert_allclose((found.T @ found).numpy(), expected, rtol=1e-3, atol=1e-4)


def test_the_same_seed_gives_the_same():
    crops = [make_cells("a", 0)]
    one, other, third = (train_metric(crops, 20, seed) for seed in (0, 0, 1))
    assert torch.equal(one, other)
    assert not torch.equal(one, third)


def test_nothing_to_learn_from_is_told():
    with pytest.raises(DatasetError, match="no crop has two classes of 150 cells each"):
        train_metric([])
