import numpy as np
import pytest
import torch

from fewscape.backbones import BackboneConfig
from fewscape.core import DatasetError
from fewscape.models.ensemble import DeepFeatures, within_class
from fewscape.models.ensemble.within_class import measure_within
from tests.reference.experts import describe


@pytest.fixture(scope="module")
def deep():
    torch.manual_seed(0)
    return DeepFeatures(BackboneConfig("test_efficientnet")).eval()


@pytest.fixture(autouse=True)
def few_cells(monkeypatch):
    monkeypatch.setattr(within_class, "LEAST_CELLS", 40)


def make_crop(seed, height=64, width=64):
    """Noise in three kinds of ground, one of which is small, and a corner without labels."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((height, width), np.uint8)
    labels[:, width // 2 :] = 7
    labels[4:10, 4:10] = 3
    labels[-8:, -8:] = 255
    image = rng.integers(0, 60, (height, width, 3)) + 20 * labels[..., None].clip(0, 9)
    return image.clip(0, 255).astype(np.uint8), labels


def measure_slowly(image, labels, deep):
    """Mean over the classes of a crop, whose upper left pixels say what cells are."""
    with torch.inference_mode():
        pixels = torch.from_numpy(image.transpose(2, 0, 1) / np.float32(255))
        features = deep(pixels[None])[0].flatten(1).T.numpy().astype(float)
    features -= features.mean(axis=0)
    deviations = features.std(axis=0)
    features /= np.where(deviations > 1e-6, deviations, np.inf)
    found = []
    classes = labels[::2, ::2].ravel()
    for number in set(classes.tolist()) - {255}:
        own = features[classes == number]
        if len(own) >= 40:
            found.append(describe(own)[1] * len(own) / (len(own) - 1))
    return np.mean(found, axis=0)


def test_each_data_set_counts_the_same(deep):
    crops = [make_crop(seed) for seed in range(3)]
    named = [("a", *crops[0]), ("b", *crops[1]), ("b", *crops[2])]
    within, counts = measure_within(named, deep)
    one, two, three = (measure_slowly(*crop, deep) for crop in crops)
    np.testing.assert_allclose(within, (one + (two + three) / 2) / 2, atol=2e-4)
    assert counts == {"a": 1, "b": 2}
    assert within.shape == (deep.num_features,) * 2
    np.testing.assert_allclose(within, within.T)


def test_crops_are_cut_to_whole_cells_of_the_network(deep):
    image, labels = make_crop(0, 70, 95)
    found, _ = measure_within([("a", image, labels)], deep)
    np.testing.assert_allclose(
        found, measure_slowly(image[:64, :64], labels[:64, :64], deep), atol=2e-4
    )


def test_classes_vary_less_than_scenes(deep):
    within, _ = measure_within([("a", *make_crop(0))], deep)
    assert 0 < within.diagonal().mean() < 0.9


def test_crops_that_are_tiny_or_without_labels_do_not_count(deep):
    image, labels = make_crop(0)
    empty = ("a", image, np.full_like(labels, 255))
    tiny = ("a", image[:31], labels[:31])
    found, counts = measure_within([("a", image, labels), empty, tiny], deep)
    assert counts == {"a": 1}
    np.testing.assert_array_equal(found, measure_within([("a", image, labels)], deep)[0])


def test_many_cells_of_a_class_are_thinned_out(deep, monkeypatch):
    crop = ("a", *make_crop(0))
    whole, _ = measure_within([crop], deep)
    monkeypatch.setattr(within_class, "MOST_CELLS", 100)
    thin, _ = measure_within([crop], deep)
    assert (whole != thin).any()
    assert np.corrcoef(whole.ravel(), thin.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("count", [0, 2])
def test_nothing_to_learn_from_is_told(deep, count):
    image, labels = make_crop(0)
    crops = [("a", image, np.full_like(labels, 255))] * count
    with pytest.raises(DatasetError, match="no class of any crop covers 40 cells"):
        measure_within(crops, deep)
