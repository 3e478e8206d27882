import numpy as np
import pytest

from fewscape.models import MaximumLikelihood
from fewscape.models.experts import Cells, PositiveUnlabelled, Scaling, oppose_to_scene
from fewscape.models.experts.class_threshold import LEAST_SHARE, POWER, choose_threshold
from fewscape.models.experts.held_groups import MOST_GROUPS, deal_cells

KINDS = np.array([[-3, 0, 0, 0], [3, 0, 1, 0], [0, 3, 0, 1], [0, -3, 0, 0]], np.float32)
"""Where four kinds of ground lie among four features."""


def draw_ground(shares, count=3000, seed=0):
    """Cells of kinds with these shares, and their kinds."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(len(shares), count, p=shares)
    return KINDS[kinds] + rng.normal(0, 0.4, (count, 4)).astype(np.float32), kinds


def scale(shares, polygons=3, kind=0, seed=0):
    """Cells of one kind drawn as so many polygons in a scene; its scaled cells and kinds."""
    ground, kinds = draw_ground(shares, seed=seed)
    scaling = Scaling.measure(ground)
    rng = np.random.default_rng(seed + 1)
    places = [KINDS[kind] + rng.normal(0, 0.2, 4) for _ in range(polygons)]
    drawn = np.concatenate([place + rng.normal(0, 0.4, (80, 4)) for place in places])
    numbers = np.repeat(np.arange(polygons), 80)
    values = scaling.apply(drawn.astype(np.float32))
    scene = scaling.apply(ground)
    return Cells(values, np.zeros(len(values), np.int64), numbers, scene), kinds


def is_mapped(expert, values):
    logs = expert.predict(values)
    assert logs.shape == (len(values), 2)
    assert logs.dtype == np.float32
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1, rtol=1e-5)
    return logs[:, 1] >= logs[:, 0]


def find_iou(found, truth):
    return (found & truth).sum() / (found | truth).sum()


@pytest.mark.parametrize("share", [0.03, 0.3, 0.7])
@pytest.mark.parametrize("polygons", [1, 3, 10])
def test_a_class_is_found_whatever_its_share(share, polygons):
    cells, kinds = scale([share, *[(1 - share) / 3] * 3], polygons)
    expert = PositiveUnlabelled().learn(cells)
    # A single polygon does not tell how much others differ from it.
    least, off = (0.8, 0.1) if polygons == 1 else (0.9, 0.05)
    assert find_iou(is_mapped(expert, cells.scene), kinds == 0) > least
    assert expert.share == pytest.approx(share, abs=off)


def test_a_class_that_covers_everything_is_mapped_everywhere():
    cells, _ = scale([1, 0, 0, 0])
    assert is_mapped(PositiveUnlabelled().learn(cells), cells.scene).mean() > 0.9


def test_a_scene_without_the_class_shows_hardly_any():
    cells, _ = scale([0.3, 0.4, 0.3, 0])
    source = draw_ground([0.3, 0.4, 0.3, 0])[0]
    other = Scaling.measure(source).apply(draw_ground([0, 0.5, 0.5, 0], seed=5)[0])
    moved = PositiveUnlabelled().learn(cells).adapt(other)
    assert is_mapped(moved, other).mean() < 0.02
    assert moved.share < 0.02


def test_a_scene_of_another_share_is_mapped_by_its_own():
    cells, _ = scale([0.25] * 4)
    expert = PositiveUnlabelled().learn(cells)
    before = expert.predict(cells.scene)
    scaling = Scaling.measure(draw_ground([0.25] * 4)[0])
    ground, kinds = draw_ground([0.05, 0.35, 0.3, 0.3], seed=5)
    moved = expert.adapt(scaling.apply(ground))
    assert find_iou(is_mapped(moved, scaling.apply(ground)), kinds == 0) > 0.9
    np.testing.assert_array_equal(expert.predict(cells.scene), before)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_cells_teach(count):
    cells, _ = scale([0.25] * 4)
    few = cells.choose(np.arange(len(cells.values)) < count)
    assert np.isfinite(PositiveUnlabelled().learn(few).predict(cells.scene)).all()


def test_a_scene_of_one_colour_is_all_of_the_class():
    cells = Cells(
        np.zeros((9, 4), np.float32),
        np.zeros(9, np.int64),
        np.arange(9) // 3,
        np.zeros((50, 4), np.float32),
    )
    assert is_mapped(PositiveUnlabelled().learn(cells), cells.scene).all()


def test_the_same_cells_give_the_same():
    cells, _ = scale([0.25] * 4, polygons=1)
    one, other = (PositiveUnlabelled().learn(cells).predict(cells.scene) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def choose_slowly(of_class, of_scene, tried):
    best, chosen = -1.0, 0.0
    for threshold in tried:
        found = sum(score >= threshold for score in of_class) / len(of_class)
        mapped = sum(score >= threshold for score in of_scene) / len(of_scene)
        gain = found**POWER / (mapped + LEAST_SHARE)
        if gain >= best:
            best, chosen = gain, threshold
    return chosen


@pytest.mark.parametrize("seed", range(5))
def test_the_threshold_equals_a_slow_search(seed):
    """With 101 scores each, the quantiles that are tried are the scores themselves."""
    rng = np.random.default_rng(seed)
    of_class = rng.integers(0, 60, 101).astype(np.float32)
    of_scene = rng.integers(-40, 60, 101).astype(np.float32)
    tried = np.unique(np.concatenate([of_class, of_scene]))
    assert choose_threshold(of_class, of_scene) == choose_slowly(of_class, of_scene, tried)


def test_polygons_stay_whole_and_a_single_one_is_split():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(70, 3)).astype(np.float32)
    polygons = np.repeat(np.arange(7) + 4, 10)
    groups = deal_cells(values, polygons)
    assert groups.max() + 1 == MOST_GROUPS
    assert all(len(set(groups[polygons == number])) == 1 for number in polygons)
    assert len(np.unique(deal_cells(values, np.zeros(70, np.int64)))) > 1
    assert not deal_cells(np.ones((5, 3), np.float32), np.zeros(5, np.int64)).any()


def test_the_yardstick_takes_the_scene_for_background():
    cells, _ = scale([0.25] * 4)
    told = oppose_to_scene(cells)
    assert told.num_classes == 2
    np.testing.assert_array_equal(told.values[told.classes == 0], cells.scene)
    np.testing.assert_array_equal(told.values[told.classes == 1], cells.values)
    assert not np.isin(told.polygons[told.classes == 0], cells.polygons).any()
    logs = MaximumLikelihood().learn(cells).predict(cells.scene)
    assert logs.shape == (len(cells.scene), 2)


def test_a_segmenter_of_one_class_shows_its_probability():
    import torch

    from fewscape.mapping import PixelSegmenter
    from fewscape.mapping.examples.drawn_cells import SceneCells
    from fewscape.models.pixel import Ground

    image = torch.zeros(1, 3, 32, 64)
    image[..., 32:] = 1
    image += 0.02 * torch.rand(image.shape, generator=torch.Generator().manual_seed(0))
    model = MaximumLikelihood()
    features = model.encode(image)[0]
    drawn = features[:, 8:24, 40:56].flatten(1).T.numpy()
    sample = features.flatten(1).T.numpy()
    ones = np.ones(len(drawn), np.int64)
    scaling = Scaling.measure(sample)
    ground = Ground(scaling, Scaling.measure(image[0].flatten(1).T.numpy()))
    learnt = SceneCells(Cells(drawn, ones, ones, sample), ground, len(drawn))
    segmenter = PixelSegmenter(model, ["bright"], learnt, window=64)
    shown = segmenter(image)
    assert segmenter.has_background
    assert shown.shape == (1, 1, 32, 64)
    assert (shown[0, 0, 8:24, 44:60] > 0.5).float().mean() > 0.8
    assert (shown[0, 0, :, :20] < 0.1).all()
