from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage

from fewscape.backbones import BackboneConfig
from fewscape.core import Policy
from fewscape.models import Ensemble, save_model
from fewscape.models.ensemble import DeepFeatures
from fewscape.models.ensemble.model import (
    BAND_METRIC_WEIGHT,
    BAND_WEIGHTS,
    LEAST_LOG,
    LEAST_SHARE,
    METRIC_WEIGHT,
    MOVED_METRIC_WEIGHT,
    PRIOR_WEIGHT,
    UNLEARNED_WEIGHT,
    WEIGHTS,
)
from fewscape.models.experts import Cells, LinearDiscriminant, Scaling, estimate_priors
from fewscape.models.pixel import Ground
from fewscape.ops import box_features, filter_guided, multiscale_features, pool_cells
from fewscape.zoo import load

SIDE = 96
COLOURS = np.array(
    [[60, 110, 50], [170, 160, 150], [110, 140, 60], [40, 60, 120]], np.float32
)  # grass, roofs, shrub, water
GRASS, ROOF, SHRUB, WATER = range(4)


@pytest.fixture(scope="module")
def small():
    """With a small network of random weights."""
    torch.manual_seed(0)
    return Ensemble(BackboneConfig("test_efficientnet", strides=(2, 4, 8, 16)))


@pytest.fixture(scope="module")
def packaged():
    """As it comes with the package."""
    return load("ensemble").pixel


def paint(kinds, bands=3, seed=0):
    """(C, H, W) of kinds (H, W), with noise; bands beyond the third are dark where others are."""
    rng = np.random.default_rng(seed)
    colours = COLOURS[:, np.arange(bands) % 3] * np.linspace(1, 0.7, bands)
    noise = rng.normal(0, 8, (*kinds.shape, bands))
    return torch.from_numpy(
        ((colours[kinds] + noise).clip(0, 255) / 255).astype(np.float32).transpose(2, 0, 1)
    )


def blocks(*rows):
    """(SIDE, SIDE) kinds from a small table of them."""
    side = SIDE // len(rows)
    return np.kron(np.array(rows), np.ones((side, side), int))


class Scene:
    """A scene that fits one window, and what is drawn on it."""

    def __init__(self, model, image):
        self.model, self.image = model, image
        self.features = model.encode(image[None])[0]
        sample = self.features.flatten(1).T.numpy()
        bands = Scaling.measure(image.flatten(1).T.numpy())
        colours = tuple(min(k, len(image) - 1) for k in range(3))
        self.ground = Ground(Scaling.measure(sample), bands, colours)
        self.scene = self.ground.scaling.apply(sample)

    def draw(self, *polygons):
        """Cells of (class, top, left, bottom, right) in pixels."""
        values, classes, numbers = [], [], []
        for number, (owner, *box) in enumerate(polygons):
            top, left, bottom, right = (side // self.model.stride for side in box)
            own = self.features[:, top:bottom, left:right].flatten(1).T.numpy()
            values.append(self.ground.scaling.apply(own))
            classes += [owner] * len(own)
            numbers += [number] * len(own)
        return Cells(np.concatenate(values), np.array(classes), np.array(numbers), self.scene)

    def map(self, *polygons):
        """(H / 2, W / 2) classes."""
        support = self.model.learn(self.draw(*polygons))
        return self.model.predict(self.image[None], support, self.ground)[0].argmax(0).numpy()


@pytest.mark.parametrize("bands", [1, 2, 3, 4, 13])
def test_each_expert_sees_its_features(small, bands):
    image = paint(blocks([GRASS, ROOF], [SHRUB, WATER]), bands)[None]
    last = bands - 1
    colours = (min(2, last), min(1, last), 0)
    values = small.encode(image, colours)[0].flatten(1).T.numpy()
    scales = multiscale_features(image, 2)[0].flatten(1).T
    squares = box_features(image, 2)[0].flatten(1).T
    deep = small.deep(image[:, list(colours)])[0].flatten(1).T
    expected = [scales, deep, scales, scales, squares, deep]
    for found, own in zip(small._view(values), expected, strict=True):
        np.testing.assert_allclose(found, own.numpy(), atol=1e-5)


def test_deep_features_are_levels_of_the_image_and_of_the_enlarged_one(small):
    images = torch.rand(2, 3, 64, 32)
    found = small.deep(images)
    assert found.shape == (2, small.deep.num_features, 32, 16)
    enlarged = F.interpolate(images, size=(128, 64), mode="bicubic").clamp(0, 1)
    parts = [multiscale_features(images, 2)]
    for level in [*small.deep.backbone(images)[:-1], *small.deep.backbone(enlarged)]:
        unit = level / level.norm(dim=1, keepdim=True).clamp(min=1e-12)
        parts.append(F.interpolate(unit, size=(32, 16), mode="bilinear"))
    torch.testing.assert_close(found, torch.cat(parts, dim=1), atol=1e-5, rtol=1e-4)
    assert not any(parameter.requires_grad for parameter in small.deep.parameters())
    assert not small.deep.training


def test_scores_are_those_of_the_experts_added_with_their_weights(small):
    scene = Scene(small, paint(blocks([GRASS, ROOF], [SHRUB, WATER])))
    support = small.learn(scene.draw((0, 4, 4, 40, 40), (1, 4, 52, 40, 92), (2, 52, 4, 92, 40)))
    found = small.predict_cells(scene.scene[::500], support)
    for row, scores in zip(scene.scene[::500], found, strict=True):
        expected = PRIOR_WEIGHT * np.log(support.priors + LEAST_SHARE)
        views = small._view(row[None])
        for weight, expert, seen in zip(support.weights, support.experts, views, strict=True):
            expected = expected + weight * np.maximum(expert.predict(seen)[0], LEAST_LOG)
        np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(48, 48), (30, 41), (3, 5)])
def test_a_sketch_asks_the_trees_about_few_cells(small, height, width):
    """Of a window of any shape; the other experts, and cells that trees are asked about, agree."""
    scene = Scene(small, paint(blocks([GRASS, ROOF], [SHRUB, WATER])))
    support = small.learn(scene.draw((0, 4, 4, 40, 40), (1, 4, 52, 40, 92)))
    values = scene.scene.reshape(48, 48, -1)[:height, :width]
    exact = small.predict_cells(values.reshape(height * width, -1), support)
    np.testing.assert_array_equal(small.sketch_cells(values, support, 1), exact)
    sketch = small.sketch_cells(values, support, 4)
    assert sketch.shape == exact.shape
    assert (sketch.argmax(axis=1) == exact.argmax(axis=1)).mean() > 0.9
    flat = np.broadcast_to(values[:1, :1], values.shape)  # all alike: nothing to interpolate
    one = small.predict_cells(flat[0, :1], support)
    np.testing.assert_allclose(
        small.sketch_cells(flat, support, 4), np.repeat(one, height * width, 0), atol=1e-3
    )


def test_scores_are_smoothed_along_the_edges_of_the_brightness(small):
    scene = Scene(small, paint(blocks([GRASS, ROOF], [SHRUB, WATER])))
    support = small.learn(scene.draw((0, 4, 4, 40, 40), (1, 4, 52, 40, 92)))
    images = torch.stack([scene.image, scene.image.flip(2)])
    found = small.predict(images, support, scene.ground)
    assert found.shape == (2, 2, SIDE // 2, SIDE // 2)
    for image, smooth in zip(images, found, strict=True):
        cells = scene.ground.scaling.apply(small.encode(image[None])[0].flatten(1).T.numpy())
        scores = torch.from_numpy(small.predict_cells(cells, support)).T.reshape(1, 2, 48, 48)
        mean, deviation = (
            float(part.mean()) for part in (scene.ground.bands.mean, scene.ground.bands.deviation)
        )
        guide = pool_cells((image.mean(0)[None, None] - mean) / deviation, 2)
        expected = filter_guided(scores, guide, support.radius, 0.1)[0]
        torch.testing.assert_close(smooth, expected, atol=2e-3, rtol=1e-3)


def test_shares_are_those_of_the_scene(packaged):
    """Drawn as much of each, in a scene that has little of one; in others nothing is assumed."""
    kinds = blocks(*[[ROOF if row == col == 0 else GRASS for col in range(4)] for row in range(4)])
    scene = Scene(packaged, paint(kinds))
    roof, grass = (1, 2, 2, 22, 22), (0, 26, 2, 46, 22)
    support = packaged.learn(scene.draw(grass, roof))
    assert support.priors[1] == pytest.approx(1 / 16, abs=0.05)
    views = packaged._view(scene.scene)[:2]
    plain, deep = (
        forest.predict(seen) for forest, seen in zip(support.experts, views, strict=False)
    )
    both = (plain + deep) / 2
    logs = both - np.log(np.exp(both).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(support.priors, estimate_priors(logs), atol=1e-5)
    moved = packaged.adapt(support, scene.scene)
    np.testing.assert_allclose(moved.priors, [0.5, 0.5])
    assert moved.weights == (*WEIGHTS, MOVED_METRIC_WEIGHT)
    assert moved.experts is support.experts
    assert support.priors[1] < 0.2, "the first support stays as it was"


def test_priors_decide_where_nothing_else_does(small):
    scene = Scene(small, paint(blocks([GRASS, ROOF], [GRASS, ROOF])))
    support = small.learn(scene.draw((0, 4, 4, 92, 40), (1, 4, 52, 92, 92)))
    even = small.predict_cells(scene.scene, replace(support, priors=np.float32([0.5, 0.5])))
    rare = small.predict_cells(scene.scene, replace(support, priors=np.float32([1, 0])))
    change = (rare - even) - (rare - even).mean(axis=1, keepdims=True)
    odds = PRIOR_WEIGHT * np.log((1 + LEAST_SHARE) / LEAST_SHARE)
    np.testing.assert_allclose(change[:, 0] - change[:, 1], odds, rtol=1e-3)


def test_one_class_alone(packaged):
    kinds = np.repeat(blocks([GRASS, ROOF], [SHRUB, ROOF])[:1], SIDE, axis=0)
    scene = Scene(packaged, paint(kinds))
    cells = scene.draw((0, 8, 60, 24, 90), (0, 64, 60, 90, 90))
    support = packaged.learn(cells)
    assert support.experts == ()
    logs = packaged.predict(scene.image[None], support, scene.ground)
    assert logs.shape == (1, 2, SIDE // 2, SIDE // 2)
    assert logs[0].argmax(0)[:, :24].float().mean() < 0.05
    assert (packaged.predict_cells(cells.values, support).argmax(axis=1) == 1).mean() > 0.9
    moved = packaged.adapt(support, scene.scene[: len(scene.scene) // 2])
    assert np.isfinite(packaged.predict_cells(scene.scene, moved)).all()


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("classes", [1, 2])
def test_a_scene_of_one_colour_gives_finite_numbers(small, value, classes):
    scene = Scene(small, torch.full((3, 64, 64), value))
    support = small.learn(scene.draw((0, 0, 0, 16, 16), (classes - 1, 32, 32, 48, 48)))
    assert small.predict(scene.image[None], support, scene.ground).isfinite().all()


def test_two_colours_without_noise_are_told_apart(small):
    """Their classes have no variance at all."""
    image = torch.zeros(3, 64, 64)
    image[:, :, 32:] = 0.8
    scene = Scene(small, image)
    found = scene.map((0, 8, 2, 12, 4), (1, 8, 58, 12, 60))
    assert (found[:, :13] == 0).all()
    assert (found[:, 19:] == 1).all()


def test_a_polygon_of_one_cell(small):
    scene = Scene(small, paint(blocks([GRASS, ROOF], [GRASS, ROOF])))
    found = scene.map((0, 20, 20, 22, 22), (1, 20, 70, 22, 72))
    assert (found[:, :18] == 0).mean() > 0.9
    assert (found[:, 30:] == 1).mean() > 0.9


KINDS = blocks(
    [GRASS, ROOF, GRASS, SHRUB],
    [ROOF, GRASS, SHRUB, GRASS],
    [SHRUB, GRASS, ROOF, GRASS],
    [GRASS] * 4,
)
FIRST = [(0, 4, 4, 20, 20), (1, 4, 28, 20, 44), (0, 76, 52, 92, 92), (1, 28, 4, 44, 20)]
"""Grass and roofs; what shrub is was not drawn."""


@pytest.mark.parametrize("is_new", [False, True])
def test_a_correction_corrects_there_and_wherever_it_looks_the_same(packaged, is_new):
    """One polygon on shrub: as the class that it was not mapped as, or as one not drawn before."""
    scene = Scene(packaged, paint(KINDS))
    before = scene.map(*FIRST)
    is_shrub = KINDS[::2, ::2] == SHRUB
    is_near = is_shrub & (np.arange(48) >= 36)  # the block at the top right
    (wrong,) = np.unique(before[is_near])
    assert (before[is_shrub] == wrong).mean() > 0.9
    right = 2 if is_new else 1 - wrong
    after = scene.map(*FIRST, (right, 6, 78, 18, 90))
    assert (after[is_near] == right).mean() > 0.9
    is_inner = ndimage.binary_erosion(is_shrub, iterations=2)  # what features mix at the borders
    assert (after[is_inner & ~is_near] == right).mean() > 0.9
    assert (after[~is_shrub] == before[~is_shrub]).mean() > 0.9


def test_a_folder_gives_the_same_map(small, tmp_path):
    scene = Scene(small, paint(KINDS, bands=4))
    small.deep.projection.mul_(0.7)
    folder = save_model(small, tmp_path / "model", "card", window=64)
    loaded = load(str(folder)).pixel
    again = Scene(loaded, scene.image)
    torch.testing.assert_close(again.features, scene.features, rtol=0, atol=0)
    maps = [
        each.model.predict(each.image[None], each.model.learn(each.draw(*FIRST)), each.ground)
        for each in (scene, again)
    ]
    torch.testing.assert_close(*maps, rtol=0, atol=0)
    assert loaded.describe() == small.describe()


def test_the_same_polygons_give_the_same(small):
    scene = Scene(small, paint(KINDS))
    one, other = (small.learn(scene.draw(*FIRST)) for _ in range(2))
    np.testing.assert_array_equal(
        *(small.predict_cells(scene.scene, support) for support in (one, other))
    )


def test_bfloat16_is_close(small):
    image = paint(KINDS)[None]
    exact = small.encode(image)
    try:
        small.to(Policy(torch.device("cpu"), torch.bfloat16))
        coarse = small.encode(image)
    finally:
        small.to(Policy(torch.device("cpu"), torch.float32))
    assert coarse.dtype == torch.float32
    plain = exact.shape[1] - small.deep.num_features
    torch.testing.assert_close(coarse[:, :plain], exact[:, :plain], rtol=0, atol=0)
    torch.testing.assert_close(coarse, exact, rtol=0, atol=0.1)


@pytest.mark.gpu
def test_a_gpu_gives_nearly_the_same(small):
    image = paint(KINDS)[None]
    exact = small.encode(image)
    try:
        small.to(Policy(torch.device("cuda"), torch.float32))
        found = small.encode(image)
    finally:
        small.to(Policy(torch.device("cpu"), torch.float32))
    assert found.device.type == "cpu"
    torch.testing.assert_close(found, exact, rtol=0, atol=5e-3)


def test_the_packaged_metric_was_learned(packaged):
    projection = packaged.deep.projection
    assert projection.dtype == torch.float32
    assert projection.isfinite().all()
    # Neither where it started, nor what stands in for it beside a network of the user's.
    assert projection.triu(1).abs().max() > 0
    unlearned = DeepFeatures(BackboneConfig("test_efficientnet")).projection
    assert torch.equal(unlearned, torch.eye(len(unlearned)))


def test_a_network_of_the_users_has_a_discriminant_in_place_of_the_metric(small):
    own = Ensemble(BackboneConfig("test_efficientnet", strides=(2, 4, 8, 16)), has_metric=False)
    scene = Scene(own, paint(blocks([GRASS, ROOF], [SHRUB, WATER])))
    support = own.learn(scene.draw((0, 4, 4, 40, 40), (1, 4, 52, 40, 92)))
    assert isinstance(support.experts[-1], LinearDiscriminant)
    assert len(support.weights) == len(support.experts)
    assert support.weights[-1] == UNLEARNED_WEIGHT


@pytest.mark.parametrize("bands", [3, 4, 13])
def test_experts_of_all_bands_weigh_more_where_the_metric_misses_some(small, bands):
    scene = Scene(small, paint(blocks([GRASS, ROOF], [SHRUB, WATER]), bands))
    support = small.learn(scene.draw((0, 4, 4, 40, 40), (1, 4, 52, 40, 92)))
    expected = (*BAND_WEIGHTS, BAND_METRIC_WEIGHT) if bands > 3 else (*WEIGHTS, METRIC_WEIGHT)
    assert support.weights == expected
