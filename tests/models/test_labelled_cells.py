"""Cells that a metric learns from are those of the crop's classes, in discs."""

import numpy as np
import pytest
import torch

from fewscape.backbones import BackboneConfig
from fewscape.models.ensemble import DeepFeatures
from fewscape.models.ensemble.labelled_cells import (
    DISC_CELLS,
    DISCS,
    MOST_RADIUS,
    QUERIES,
    SIZES,
    sample_cells,
)
from fewscape.models.experts import Scaling


@pytest.fixture(scope="module")
def deep():
    torch.manual_seed(0)
    return DeepFeatures(BackboneConfig("test_efficientnet")).eval()


def make_crop(height=96, width=96):
    """Noise in two kinds of ground, a tiny third, and a corner without labels."""
    rng = np.random.default_rng(0)
    labels = np.zeros((height, width), np.uint8)
    labels[:, width // 2 :] = 7
    labels[4:10, 4:10] = 3
    labels[-8:, -8:] = 255
    image = rng.integers(0, 60, (height, width, 3)) + 20 * labels[..., None].clip(0, 9)
    return image.clip(0, 255).astype(np.uint8), labels


def find_places(cells, image, deep):
    """Flat places of cells among those of the crop, turned as often as makes them fit."""
    for turns in range(4):
        pixels = np.rot90(image, turns).transpose(2, 0, 1).astype(np.float32) / 255
        with torch.inference_mode():
            values = deep(torch.from_numpy(pixels.copy())[None])[0].flatten(1).T.numpy()
        scaled = torch.from_numpy(Scaling.measure(values).apply(values)).half().float()
        flat = cells.reshape(-1, cells.shape[-1]).float()
        distances = torch.cdist(flat, scaled)
        least, places = distances.min(dim=1)
        if least.max() < 0.2:
            return turns, places.reshape(cells.shape[:-1]).numpy()
    raise AssertionError("these are no cells of the crop")


def test_cells_of_the_first_size_are_those_of_the_classes(deep):
    image, labels = make_crop()
    first = next(sample_cells([("a", image, labels)], deep))
    assert first.source == "a"
    assert first.discs.shape == (2, DISCS, DISC_CELLS, deep.num_features)
    assert first.queries.shape == (2, QUERIES, deep.num_features)
    assert first.discs.dtype == torch.float16
    turns, discs = find_places(first.discs, image, deep)
    classes = np.rot90(labels, turns)[::2, ::2].ravel()
    assert (classes[discs[0]] == 0).all()
    assert (classes[discs[1]] == 7).all()
    rows, cols = np.divmod(discs, 48)
    assert (np.ptp(rows, axis=2) <= 2 * MOST_RADIUS).all()
    assert (np.ptp(cols, axis=2) <= 2 * MOST_RADIUS).all()
    _, queries = find_places(first.queries[:, :100], image, deep)
    assert (classes[queries[0]] == 0).all()
    assert (classes[queries[1]] == 7).all()
    spread = max(np.ptp(part) for part in np.divmod(queries[0], 48))
    assert spread > 2 * MOST_RADIUS


def test_crops_come_in_every_size_and_the_same_seed_gives_the_same(deep):
    crop = ("a", *make_crop(128, 128))
    one, other, third = (list(sample_cells([crop], deep, seed)) for seed in (0, 0, 1))
    assert len(one) == len(SIZES)
    for mine, yours in zip(one, other, strict=True):
        assert torch.equal(mine.discs, yours.discs)
        assert torch.equal(mine.queries, yours.queries)
    assert not torch.equal(one[0].discs, third[0].discs)
    assert all(part.discs.isfinite().all() for part in one)


@pytest.mark.parametrize("kind", ["tiny", "unlabelled", "one class"])
def test_crops_without_two_classes_give_nothing(deep, kind):
    image, labels = make_crop()
    if kind == "tiny":
        image, labels = image[:20], labels[:20]
    else:
        labels = np.full_like(labels, 255 if kind == "unlabelled" else 7)
    assert list(sample_cells([("a", image, labels)], deep)) == []
