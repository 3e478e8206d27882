import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewscape.core import ShapeError
from fewscape.metrics.area_estimates import (
    PolygonCounts,
    bootstrap_polygons,
    estimate_areas,
    find_standard_errors,
    score_agreement,
    weigh_by_area,
)

# Olofsson et al. 2014, table 8: deforestation, forest gain, stable forest, stable non-forest.
PAPER = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
MAPPED = np.array([200_000, 150_000, 3_200_000, 6_450_000])
HECTARES = 0.09
"""Of a pixel of 30 m."""


def as_points(counts):
    """Every sample is a polygon of one pixel."""
    rows, cols = np.nonzero(counts)
    times = counts[rows, cols]
    return PolygonCounts(
        np.eye(len(counts), dtype=np.int64)[rows.repeat(times)], cols.repeat(times)
    )


def test_the_example_of_the_paper():
    found = estimate_areas(PAPER, MAPPED)
    margins = find_standard_errors(PAPER, MAPPED)
    assert found.areas[0] == pytest.approx(235_086, abs=1)
    assert 1.96 * margins.areas[0] == pytest.approx(68_418, abs=3)
    assert found.areas[0] * HECTARES == pytest.approx(21_158, abs=1)
    assert 1.96 * margins.areas[0] * HECTARES == pytest.approx(6_158, abs=1)
    assert (found.areas * HECTARES)[1:] == pytest.approx([11_686, 285_770, 581_386], abs=1)
    assert (1.96 * margins.areas * HECTARES)[1:] == pytest.approx([3_756, 15_510, 16_282], abs=1)
    assert found.overall == pytest.approx(0.947, abs=5e-4)
    assert 1.96 * margins.overall == pytest.approx(0.0185, abs=5e-5)
    assert found.users.round(2).tolist() == [0.88, 0.73, 0.93, 0.96]
    assert (1.96 * margins.users).round(2).tolist() == [0.07, 0.10, 0.04, 0.02]
    assert found.producers.round(2).tolist() == [0.75, 0.85, 0.93, 0.96]
    assert (1.96 * margins.producers).round(2).tolist() == [0.21, 0.25, 0.03, 0.02]
    assert found.areas.sum() == pytest.approx(MAPPED.sum())


def slow_areas(counts, mapped):
    """Area of each class with its standard error, cell by cell, equations 9 and 10."""
    total = sum(mapped)
    areas, errors = [], []
    for true in range(len(mapped)):
        share = variance = 0.0
        for row in range(len(mapped)):
            if mapped[row]:
                weight, num = mapped[row] / total, sum(counts[row])
                within = counts[row][true] / num
                share += weight * within
                variance += weight**2 * within * (1 - within) / (num - 1)
        areas.append(share * total)
        errors.append(math.sqrt(variance) * total)
    return areas, errors


def slow_accuracies(counts, mapped):
    """Overall, user's and producer's accuracy with variances, equations 1 to 3 and 5 to 7."""
    num = len(mapped)
    samples = [sum(row) for row in counts]
    users = [counts[j][j] / samples[j] for j in range(num)]
    of_users = [users[j] * (1 - users[j]) / (samples[j] - 1) for j in range(num)]
    weights = [area / sum(mapped) for area in mapped]
    overall = sum(weights[j] * users[j] for j in range(num))
    of_overall = sum(weights[j] ** 2 * of_users[j] for j in range(num))
    producers, of_producers = [], []
    for j in range(num):
        area = sum(mapped[i] * counts[i][j] / samples[i] for i in range(num))
        producer = mapped[j] * users[j] / area
        others = sum(
            mapped[i] ** 2
            * (counts[i][j] / samples[i] * (1 - counts[i][j] / samples[i]) / (samples[i] - 1))
            for i in range(num)
            if i != j
        )
        own = mapped[j] ** 2 * (1 - producer) ** 2 * of_users[j]
        producers.append(producer)
        of_producers.append((own + producer**2 * others) / area**2)
    return (overall, users, producers), (of_overall, of_users, of_producers)


@given(st.integers(0, 1000), st.integers(2, 5))
def test_estimates_are_those_of_loops(seed, num):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 30, (num, num)) + 2 * np.eye(num, dtype=np.int64)
    mapped = rng.integers(1, 10_000, num)
    found, errors = estimate_areas(counts, mapped), find_standard_errors(counts, mapped)
    areas, of_areas = slow_areas(counts.tolist(), mapped.tolist())
    assert found.areas == pytest.approx(areas)
    assert errors.areas == pytest.approx(of_areas)
    scores, variances = slow_accuracies(counts.tolist(), mapped.tolist())
    for value, expected in zip((found.overall, found.users, found.producers), scores, strict=True):
        assert value == pytest.approx(expected)
    ours = errors.overall, errors.users, errors.producers
    for value, variance in zip(ours, variances, strict=True):
        assert value == pytest.approx(np.sqrt(variance))


def test_agreement_of_the_pixels_themselves():
    scores = score_agreement(np.array([[8, 2, 0], [1, 4, 0], [0, 0, 0]]))
    assert scores.iou[:2].tolist() == pytest.approx([8 / 11, 4 / 7])
    assert scores.users[:2].tolist() == pytest.approx([0.8, 0.8])
    assert scores.producers[:2].tolist() == pytest.approx([8 / 9, 4 / 6])
    assert scores.overall == pytest.approx(0.8)
    for values in (scores.iou, scores.users, scores.producers):
        assert np.isnan(values[2])


def test_a_class_that_never_occurs_changes_nothing():
    counts = np.zeros((5, 5), np.int64)
    counts[:4, :4] = PAPER
    mapped = np.append(MAPPED, 0)
    found, errors = estimate_areas(counts, mapped), find_standard_errors(counts, mapped)
    assert found.areas.tolist() == [*estimate_areas(PAPER, MAPPED).areas.tolist(), 0]
    assert errors.overall == find_standard_errors(PAPER, MAPPED).overall
    assert errors.areas[4] == 0
    assert np.isnan([found.users[4], found.producers[4], errors.users[4]]).all()
    bounds = bootstrap_polygons(as_points(counts), mapped)
    assert not np.isnan(bounds.areas).any()
    assert bounds.areas[4, 0] == 0  # not seen, which does not mean none
    assert bounds.areas[4, 1] > 0
    assert np.isnan(bounds.users[4]).all()


def test_a_class_that_is_mapped_nowhere_may_occur_in_truth():
    found = estimate_areas(np.array([[6, 2], [0, 0]]), np.array([100, 0]))
    assert found.areas.tolist() == [75, 25]
    assert found.producers.tolist() == [1, 0]
    assert np.isnan(found.users[1])


def test_a_mapped_class_without_samples_leaves_areas_unknown():
    counts, mapped = np.array([[6, 2], [0, 0]]), np.array([100, 50])
    found, errors = estimate_areas(counts, mapped), find_standard_errors(counts, mapped)
    assert np.isnan([*found.areas, *errors.areas, found.overall, errors.overall]).all()
    assert found.users[0] == 0.75
    assert np.isnan(weigh_by_area(counts, mapped)[1]).all()
    assert np.isnan(bootstrap_polygons(as_points(counts), mapped).areas).all()


def test_a_single_sample_tells_little():
    counts, mapped = np.array([[6, 2], [0, 1]]), np.array([100, 50])
    assert estimate_areas(counts, mapped).areas.tolist() == [75, 75]
    errors = find_standard_errors(counts, mapped)
    assert np.isnan([*errors.areas, errors.overall, errors.users[1]]).all()
    assert errors.users[0] == pytest.approx(math.sqrt(0.75 * 0.25 / 7))
    bounds = bootstrap_polygons(as_points(counts), mapped)
    assert bounds.users[1, 0] < 0.2
    assert bounds.users[1, 1] == 1


def test_no_sample_at_all():
    nothing = PolygonCounts(np.zeros((0, 2), np.int64), np.zeros(0, np.int64))
    assert nothing.matrix.tolist() == [[0, 0], [0, 0]]
    assert np.isnan(score_agreement(nothing.matrix).overall)
    assert np.isnan(bootstrap_polygons(nothing).overall).all()


def test_bounds_of_many_points_are_those_of_the_formula():
    counts = 20 * PAPER
    points = as_points(counts)
    assert np.array_equal(points.matrix, counts)
    bounds = bootstrap_polygons(points, MAPPED)
    errors = find_standard_errors(counts, MAPPED)
    found = estimate_areas(counts, MAPPED)
    assert np.diff(bounds.areas)[:, 0] == pytest.approx(2 * 1.96 * errors.areas, rel=0.1)
    assert np.diff(bounds.overall)[0] == pytest.approx(2 * 1.96 * errors.overall, rel=0.1)
    assert np.diff(bounds.users)[:, 0] == pytest.approx(2 * 1.96 * errors.users, rel=0.1)
    assert np.diff(bounds.producers)[:, 0] == pytest.approx(2 * 1.96 * errors.producers, rel=0.1)
    assert bounds.areas.mean(axis=1) == pytest.approx(found.areas, rel=0.02)


@pytest.mark.parametrize("num", [3, 10, 40])
def test_bounds_hold_for_few_polygons_of_many_pixels(num):
    rng = np.random.default_rng(num)
    truth = np.array([[0.9, 0.07, 0.03], [0.1, 0.85, 0.05], [0.15, 0.05, 0.8]])
    mapped = np.array([700, 200, 100])
    hits = np.zeros(3)
    for _ in range(100):
        drawn = [rng.choice(3, num, p=row) for row in truth]
        pixels = np.zeros((3 * num, 3), np.int64)
        pixels[np.arange(3 * num), np.repeat(np.arange(3), num)] = rng.integers(20, 200, 3 * num)
        polygons = PolygonCounts(pixels, np.concatenate(drawn))
        low, high = bootstrap_polygons(polygons, mapped, num_resamples=200).areas.T
        hits += (low <= mapped @ truth) & (mapped @ truth <= high)
    assert (hits >= 88).all()


def test_a_polygon_counts_once_however_many_pixels_it_has():
    rng = np.random.default_rng(0)
    wrong = rng.random(60) < 0.3
    pixels = np.where(wrong[:, None], (5, 15), (20, 0))
    classes = np.zeros(60, np.int64)
    pixels[30:], classes[30:] = pixels[30:, ::-1], 1
    polygons = PolygonCounts(pixels, classes)
    mapped = np.array([9_000, 1_000])
    finer = PolygonCounts(100 * pixels, classes)
    bounds = bootstrap_polygons(polygons, mapped)
    assert np.allclose(bounds.areas, bootstrap_polygons(finer, mapped).areas)
    naive = find_standard_errors(finer.matrix, mapped)
    assert np.diff(bounds.areas)[0, 0] > 10 * 2 * 1.96 * naive.areas[0]
    again = bootstrap_polygons(polygons, mapped)
    assert np.array_equal(bounds.areas, again.areas)


def test_without_areas_the_bounds_are_those_of_the_checked_pixels():
    rows = np.array([[90, 10], [80, 20], [20, 80], [0, 100]])
    polygons = PolygonCounts(rows, np.array([0, 0, 1, 1]))
    bounds, scores = bootstrap_polygons(polygons), score_agreement(polygons.matrix)
    for ours, score in ((bounds.iou, scores.iou), (bounds.producers, scores.producers)):
        assert (ours[:, 0] < score).all()
        assert (score < ours[:, 1]).all()
    many = PolygonCounts(np.tile(rows, (300, 1)), np.tile(polygons.classes, 300))
    narrow = bootstrap_polygons(many)
    assert (np.diff(narrow.iou) < 0.1 * np.diff(bounds.iou)).all()
    assert narrow.producers.mean(axis=1) == pytest.approx([0.85, 0.9], abs=0.01)


def test_a_score_without_an_error_keeps_its_own_end():
    polygons = PolygonCounts(np.array([[9, 0], [9, 0], [0, 8], [0, 10]]), np.array([0, 0, 1, 1]))
    bounds = bootstrap_polygons(polygons)
    assert (bounds.producers[:, 0] < 0.9).all()  # no error was seen, which does not mean none
    assert (bounds.producers[:, 1] == 1).all()


def test_chunks_change_nothing(monkeypatch):
    points = as_points(PAPER)
    whole = bootstrap_polygons(points, MAPPED, num_resamples=50)
    monkeypatch.setattr("fewscape.metrics.area_estimates.CHUNK_WEIGHTS", 700)
    parts = bootstrap_polygons(points, MAPPED, num_resamples=50)
    assert np.array_equal(whole.areas, parts.areas)


def test_refuses_other_shapes():
    with pytest.raises(ShapeError, match=r"shape \(4, 4\) were given with the areas of 3 mapped"):
        estimate_areas(PAPER, MAPPED[:3])
