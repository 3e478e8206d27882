"""The discriminant against enlarged stacks and normal densities, cell by cell; shots and views."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fewscape.backbones import BackboneConfig
from fewscape.core import Features
from fewscape.models import DensityRatio, Discriminant
from tests.reference import closed_form

SIZE = 32
CHANNELS = (3, 4, 2, 2)
STRIDES = (4, 8, 16, 32)


def make_features(seed, batch=1):
    generator = torch.Generator().manual_seed(seed)
    maps = tuple(
        F.normalize(torch.randn(batch, c, SIZE // s, SIZE // s, generator=generator) + 0.5, dim=1)
        for c, s in zip(CHANNELS, STRIDES, strict=True)
    )
    return Features(maps, (SIZE, SIZE))


def make_mask(seed, batch=1):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randint(0, 3, (batch, 1, 8, 8), generator=generator)
    mask = F.interpolate(coarse.float(), (SIZE, SIZE))[:, 0].to(torch.uint8)
    mask[mask == 2] = 255
    return mask


@pytest.fixture
def model():
    return Discriminant(BackboneConfig("test_resnet")).eval()


def stack(features, side):
    """Levels of one image on one grid, means where it is coarser: (side * side, C) float64."""
    planes = []
    for level in features.maps:
        for plane in level[0].double().numpy():
            own = len(plane)
            if own > side:
                planes.append(plane.reshape(side, own // side, side, own // side).mean((1, 3)))
            else:
                planes.append(closed_form.resize_bilinear(plane, (side, side)))
    return np.stack([plane.flatten() for plane in planes], axis=1)


def shares_of(mask, side):
    """(side * side) shares of foreground and background."""
    cells = mask[0].numpy().reshape(side, SIZE // side, side, SIZE // side)
    return [(cells == value).mean((1, 3)).flatten() for value in (1, 0)]


@pytest.mark.parametrize("shots", [1, 3])
def test_scores_are_those_of_enlarged_stacks_of_all_shots(model, shots):
    query = make_features(0)
    supports = [(make_features(shot + 1), make_mask(shot + 1)) for shot in range(shots)]
    output = model.predict(query, [model.learn(*support) for support in supports])
    rows = np.concatenate([stack(features, 4) for features, _ in supports])
    shares = zip(*(shares_of(mask, 4) for _, mask in supports), strict=True)
    sides = [np.concatenate(side) for side in shares]
    expected = closed_form.normal_log_ratio(rows, *sides, model.shrinkage, stack(query, 8))
    found = (output.logits[:, 1] - output.logits[:, 0]).flatten()
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_shots_are_learnt_jointly(model):
    """Not the mean of what each says alone."""
    query = make_features(0)
    shots = [model.learn(make_features(seed), make_mask(seed)) for seed in (1, 2)]
    alone = torch.stack([model.predict(query, [shot]).logits for shot in shots]).mean(dim=0)
    assert not torch.allclose(model.predict(query, shots).logits, alone, atol=1e-2)


def test_a_shot_without_foreground_still_shows_background(model):
    query, features, mask = make_features(0), make_features(1), make_mask(1)
    only_background = model.learn(make_features(2), torch.zeros_like(mask))
    both = model.predict(query, [model.learn(features, mask), only_background]).logits
    assert both.isfinite().all()
    assert not torch.allclose(both, model.predict(query, [model.learn(features, mask)]).logits)


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize(("value", "is_foreground"), [(0, False), (1, True), (255, False)])
def test_without_one_class_everything_is_the_other(value, is_foreground, mixed):
    model = Discriminant(BackboneConfig("test_resnet"), mixed=mixed)
    mask = torch.full((1, SIZE, SIZE), value, dtype=torch.uint8)
    logits = model.predict(make_features(0), [model.learn(make_features(1), mask)]).logits
    assert ((logits[:, 1] > logits[:, 0]) == is_foreground).all()


def test_the_mixture_is_the_sum_of_two_log_ratios():
    backbone = BackboneConfig("test_resnet")
    query, features, mask = make_features(0), make_features(1), make_mask(1)
    mixed, plain, density = (
        network.predict(query, [network.learn(features, mask)]).logits
        for network in (
            Discriminant(backbone, mixed=True, density_weight=2.0),
            Discriminant(backbone),
            DensityRatio(backbone),
        )
    )
    assert torch.allclose(mixed, plain + 2 * density, atol=1e-4)


def test_views_teach_what_a_turned_image_would():
    torch.manual_seed(0)
    images = torch.rand(1, 3, 64, 64)
    mask = (torch.rand(1, 8, 8) > 0.5).repeat_interleave(8, 1).repeat_interleave(8, 2).byte()
    backbone = BackboneConfig("test_resnet")
    model = Discriminant(backbone, views="h").eval()
    with torch.inference_mode():
        learnt = model.learn(model.encode(images), mask)
        model.views = "none"
        both = [model.learn(model.encode(images), mask)]
        both.append(model.learn(model.encode(images.flip(-1)), mask.flip(-1)))
    for name, tensor in learnt.tensors.items():
        assert torch.allclose(tensor, both[0][name] + both[1][name], atol=1e-4)
