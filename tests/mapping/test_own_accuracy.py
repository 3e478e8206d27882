import numpy as np
import pytest

from fewscape.mapping.engine.own_accuracy import (
    HeldOut,
    deal,
    estimate_own_accuracy,
    expect_ious,
    fit_temperature,
    thin_out,
)
from fewscape.mapping.examples.drawn_cells import SceneCells
from fewscape.models import MaximumLikelihood, PixelModel, PixelTrees
from fewscape.models.experts import Cells, LinearDiscriminant, Scaling
from fewscape.models.pixel import Ground
from tests.reference.own_accuracy import find_rates, simulate_ious


class Nearest(PixelModel):
    """Knows the means of the classes, and counts what it was asked."""

    name = "nearest"
    reach = 0

    def __init__(self, factor=1.0):
        self.factor = factor
        self.learnt, self.predicted = [], 0

    def encode(self, images):
        return images

    def learn(self, cells):
        self.learnt.append(cells)
        return LinearDiscriminant(1.0).learn(cells.values, cells.classes, cells.num_classes)

    def predict_cells(self, values, support):
        self.predicted += len(values)
        return support.predict(values) * self.factor


def draw(groups, scene, first=0):
    """Scene cells from the values (n, D) of each polygon of each class."""
    values, classes, polygons = [], [], []
    for number, group in enumerate(groups, start=first):
        for polygon in group:
            values.append(np.asarray(polygon, np.float32))
            classes += [number] * len(polygon)
            polygons += [3 * len(values)] * len(polygon)  # numbers have gaps
    ground = Ground(Scaling(np.zeros(2, np.float32), np.ones(2, np.float32)), None)
    cells = Cells(np.concatenate(values), np.array(classes), np.array(polygons), np.float32(scene))
    return SceneCells(cells, ground, len(classes))


def clouds(rng, places, polygons, size=20, spread=0.1, shift=0.0):
    """Polygons of normally distributed values around a place for each class."""
    return [
        [
            place + shift * rng.normal(size=2) + spread * rng.normal(size=(size, 2))
            for _ in range(count)
        ]
        for place, count in zip(np.array(places), polygons, strict=True)
    ]


def test_classes_that_are_never_confused_are_expected_to_be_right():
    rng = np.random.default_rng(0)
    groups = clouds(rng, [(0, 0), (5, 5)], [3, 4])
    found = estimate_own_accuracy(Nearest(), draw(groups, groups[0][0]), ["roof"])
    assert [told.name for told in found.classes] == ["background", "roof"]
    assert [told.num_polygons for told in found.classes] == [3, 4]
    assert [told.num_pixels for told in found.classes] == [60, 80]
    assert found.confusion.tolist() == [[1, 0], [0, 1]]
    assert found.shares == pytest.approx([1, 0], abs=0.01)
    assert found.classes[0].iou.value == pytest.approx(1)
    assert found.mean_iou.low < 1  # three polygons are no proof
    assert found.mean_iou.high == pytest.approx(1)
    assert found.confused is None
    assert found.temperature == pytest.approx(1, abs=0.01)  # it was sure, and right


def test_a_polygon_unlike_the_others_of_its_class_is_a_mistake_of_known_size():
    """One of four roofs looks as ground does: a quarter of the roofs is missed."""
    rng = np.random.default_rng(1)
    groups = clouds(rng, [(0, 0), (5, 0)], [4, 4])
    groups[1][2] -= 5
    scene = np.concatenate(
        [*clouds(rng, [(0, 0)], [1], 700)[0], *clouds(rng, [(5, 0)], [1], 300)[0]]
    )
    found = estimate_own_accuracy(Nearest(), draw(groups, scene), ["roof"])
    assert found.confusion.tolist() == [[1, 0], [0.25, 0.75]]
    # 300 of 1000 cells are mapped as roof, so 400 are roof in truth, of which 100 are missed
    assert found.shares == pytest.approx([0.6, 0.4], abs=0.01)
    assert found.classes[1].iou.value == pytest.approx(0.75, abs=0.01)
    assert found.classes[0].iou.value == pytest.approx(0.6 / 0.7, abs=0.01)
    assert found.mean_iou.value == pytest.approx((0.75 + 0.6 / 0.7) / 2, abs=0.01)
    assert found.confused == ("background", "roof")
    for score in (found.classes[0].iou, found.classes[1].iou, found.mean_iou):
        assert score.low < score.value < score.high


@pytest.mark.parametrize("seed", range(4))
def test_rates_are_those_of_the_slow_way(seed):
    rng = np.random.default_rng(seed)
    groups = clouds(rng, [(0, 0), (1, 0), (0, 1)], [3, 1, 7], 9, spread=0.5, shift=0.3)
    learnt = draw(groups, rng.normal(size=(50, 2)))
    found = estimate_own_accuracy(Nearest(), learnt, ["a", "b"])
    cells = learnt.scaled
    owners = np.array([0] * 3 + [1] + [2] * 7)
    places = np.unique(cells.polygons, return_inverse=True)[1]
    numbered = Cells(cells.values, cells.classes, places, cells.scene)
    expected = find_rates(Nearest(), numbered, deal(owners))
    np.testing.assert_allclose(found.confusion, expected)
    assert np.isnan(found.confusion[1]).all()
    again = estimate_own_accuracy(Nearest(), learnt, ["a", "b"])
    assert repr(again) == repr(found)


def test_expected_ious_are_those_that_are_counted():
    rates = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0, 0.05, 0.95]])
    shares = np.array([0.5, 0.2, 0.3])
    ious, found = expect_ious(rates, shares @ rates)
    assert found == pytest.approx(shares, abs=0.01)
    assert ious == pytest.approx(simulate_ious(rates, shares), abs=0.01)
    both, _ = expect_ious(np.stack([rates, rates]), shares @ rates)
    np.testing.assert_allclose(both, [ious, ious])


def test_classes_of_unknown_rates_count_as_right_as_the_others():
    rates = np.array([[0.8, 0.2], [np.nan, np.nan]])
    ious, _ = expect_ious(rates, np.array([0.5, 0.5]))
    assert ious == pytest.approx([0.8 / 1.2, 0.8 / 1.2], abs=0.01)


def test_a_class_of_one_polygon_has_no_estimate():
    rng = np.random.default_rng(0)
    groups = clouds(rng, [(0, 0), (5, 5), (0, 5)], [2, 1, 2])
    found = estimate_own_accuracy(Nearest(), draw(groups, groups[0][0], 1), ["a", "b", "c"])
    assert [told.iou is None for told in found.classes] == [False, True, False]
    assert found.mean_iou.value == pytest.approx(1)


@pytest.mark.parametrize("counts", [[1, 1], [4]])
def test_nothing_can_be_told_of_one_polygon_each_or_one_class_alone(counts):
    rng = np.random.default_rng(0)
    groups = clouds(rng, [(0, 0), (5, 5)][: len(counts)], counts)
    names = ["a", "b"][: len(counts)]
    found = estimate_own_accuracy(Nearest(), draw(groups, groups[0][0], 1), names)
    assert [told.iou for told in found.classes] == [None] * len(counts)
    assert [told.num_polygons for told in found.classes] == counts
    assert (found.temperature, found.mean_iou, found.confused) == (1, None, None)


def test_with_a_threshold_uncertain_ground_is_background():
    rng = np.random.default_rng(2)
    groups = clouds(rng, [(0, 0), (1, 0)], [5, 5], 200, spread=0.3)
    scene = np.concatenate([*groups[0], *groups[1]])
    any_, sure = (
        estimate_own_accuracy(Nearest(), draw(groups, scene), ["roof"], threshold)
        for threshold in (None, 0.95)
    )
    assert sure.confusion[1, 1] < any_.confusion[1, 1]
    assert sure.confusion[0, 0] > any_.confusion[0, 0]
    alone = estimate_own_accuracy(Nearest(), draw(groups, scene, 1), ["a", "b"], 0.95)
    assert (alone.confusion.sum(axis=1) < 1).all()  # the rest is neither
    assert alone.mean_iou.value < any_.mean_iou.value


@pytest.mark.parametrize("truth", [0.7, 1.0, 2.0])
def test_the_temperature_is_that_by_which_the_model_is_too_sure(truth):
    rng = np.random.default_rng(0)
    logs = rng.normal(size=(40_000, 3)) * 2
    logs -= np.log(np.exp(logs).sum(axis=1, keepdims=True))
    classes = (np.exp(logs).cumsum(axis=1) < rng.random((40_000, 1))).sum(axis=1)
    held = HeldOut(np.float32(logs * truth), classes, np.arange(40_000) % 50, np.float32(logs))
    assert fit_temperature(held) == pytest.approx(truth, rel=0.05)


def test_every_polygon_counts_the_same_for_the_temperature():
    wrong, right = [[np.log(0.1), np.log(0.9)]], [[np.log(0.9), np.log(0.1)]]
    places = np.array([0] * 999 + [1])
    logs = np.float32(right * 999 + wrong)
    held = HeldOut(logs, np.zeros(1000, int), places, logs)
    assert fit_temperature(held) == pytest.approx(3, abs=0.01)  # half is wrong, none is better


@pytest.mark.parametrize("counts", [[2, 5], [12, 3, 1], [1, 2], [5, 5]])
def test_a_fold_holds_a_group_of_every_class(counts):
    owners = np.repeat(np.arange(len(counts)), counts)
    folds = deal(owners)
    for owner, count in enumerate(counts):
        own = folds[owners == owner]
        if count == 1:
            assert own.tolist() == [-1]
            continue
        found, sizes = np.unique(own, return_counts=True)
        assert found.tolist() == list(range(min(5, count)))
        assert sizes.max() - sizes.min() <= 1


def test_all_folds_together_learn_from_about_as_much_as_the_map():
    rng = np.random.default_rng(0)
    groups = clouds(rng, [(0, 0), (5, 5)], [10, 10], 3_000)
    model = Nearest()
    estimate_own_accuracy(model, draw(groups, rng.normal(size=(30_000, 2))), ["roof"])
    assert len(model.learnt) == 5
    assert 50_000 < sum(len(cells.classes) for cells in model.learnt) <= 60_000
    assert model.predicted < 20_000
    assert all(len(np.unique(cells.polygons)) == 16 for cells in model.learnt)


def test_small_polygons_are_kept_whole_where_cells_are_too_many():
    sizes = [3, 500, 100, 1]
    cells = Cells(
        np.zeros((604, 1), np.float32),
        np.repeat([0, 0, 0, 1], sizes),
        np.repeat(np.arange(4), sizes),
        np.zeros((1, 1), np.float32),
    )
    kept = thin_out(cells, np.arange(604), 206, np.random.default_rng(0))
    assert np.bincount(cells.polygons[kept]).tolist() == [3, 50, 50, 1]
    least = thin_out(cells, np.arange(604), 1, np.random.default_rng(0))
    assert np.bincount(cells.polygons[least]).tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("model", [MaximumLikelihood(), PixelTrees()])
def test_on_average_the_estimate_is_near_the_truth(model):
    """Classes whose polygons differ from each other, as those of real scenes do."""
    errors, held = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        places = [(0, 0), (2, 0), (0, 2)]
        scene = clouds(rng, places, [60, 30, 10], 40, spread=0.4, shift=0.7)
        drawn = [group[:5] for group in scene]
        values = np.concatenate([np.concatenate(group) for group in scene]).astype(np.float32)
        truth = np.repeat([0, 1, 2], [60 * 40, 30 * 40, 10 * 40])
        learnt = draw(drawn, values)
        found = estimate_own_accuracy(model, learnt, ["a", "b"])
        mapped = model.predict_cells(values, model.learn(learnt.scaled)).argmax(axis=1)
        ious = [
            ((mapped == k) & (truth == k)).sum() / ((mapped == k) | (truth == k)).sum()
            for k in range(3)
        ]
        errors.append(found.mean_iou.value - np.mean(ious))
        held.append(found.mean_iou.low <= np.mean(ious) <= found.mean_iou.high)
    assert abs(np.mean(errors)) < 0.1
    assert np.mean(held) >= 0.6
