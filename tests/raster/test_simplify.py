import logging

import numpy as np
import pytest
import shapely
from scipy import ndimage

from fewscape.raster.vectors.patches import Patch, PatchTracker
from fewscape.raster.vectors.simplify import simplify_patches


def cut_patches(classes):
    tracker = PatchTracker()
    scores = np.zeros(classes.shape, np.float32)
    return [*tracker.advance(classes, scores, 0), *tracker.finish()]


def make_fields(size=120, levels=(0.45, 0.5, 0.55), first=1):
    """Patches that border on each other, with holes and islands."""
    noise = np.random.default_rng(2).random((size, size))
    smooth = ndimage.gaussian_filter(noise, 4)
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    return (np.digitize(smooth, levels) + first).astype(np.uint8)


def outlines(patches):
    return np.array([patch.outline() for patch in patches], object)


@pytest.mark.parametrize("first", [0, 1])
def test_neighbours_keep_sharing_their_border(first):
    patches = cut_patches(make_fields(first=first))
    before = outlines(patches)
    found = list(simplify_patches(patches, 2.0))
    after = outlines(found)
    assert shapely.is_valid(after).all()
    assert (shapely.get_type_id(after) == 3).all()
    assert shapely.coverage_is_valid(after)
    assert shapely.get_num_coordinates(after).sum() < shapely.get_num_coordinates(before).sum() / 2
    whole = shapely.union_all(before)
    assert shapely.union_all(after).area == pytest.approx(whole.area, rel=0.02)
    if first:  # every pixel has a class, so there must be neither gap nor overlap
        assert shapely.union_all(after).area == pytest.approx(shapely.area(after).sum())
        assert len(shapely.union_all(after).interiors) == 0
    points = shapely.get_coordinates(after)
    assert np.array_equal(points, np.rint(points))


def test_a_staircase_becomes_a_line():
    classes = np.tri(40, dtype=np.uint8)
    (patch,) = simplify_patches(cut_patches(classes), 1.5)
    assert len(patch.outline().exterior.coords) <= 7
    assert patch.pixels == 40 * 41 / 2


def test_three_that_meet_at_a_straight_edge():
    """The corner between two of them lies inside an edge of the third."""
    classes = np.ones((20, 20), np.uint8)
    classes[10:, :7], classes[10:, 7:] = 2, 3
    after = outlines(simplify_patches(cut_patches(classes), 3.0))
    assert shapely.coverage_is_valid(after)
    assert shapely.area(after).sum() == pytest.approx(400)


def test_sides_make_the_tolerance_one_on_the_ground():
    classes = make_fields()
    wide = outlines(simplify_patches(cut_patches(classes), 3.0, sides=(2.0, 2.0)))
    plain = outlines(simplify_patches(cut_patches(classes), 1.5))
    assert shapely.equals_exact(wide, plain).all()


def test_too_many_corners_stay_as_they_are_and_are_told(caplog):
    patches = cut_patches(make_fields())
    before = outlines(patches)
    with caplog.at_level(logging.WARNING):
        after = outlines(simplify_patches(patches, 2.0, most=50))
    assert shapely.equals_exact(before, after).all()
    assert "were not simplified" in caplog.text
    assert "--min_area" in caplog.text


def test_none_stay_none():
    assert list(simplify_patches([], 1.0)) == []
    single = Patch(1, 1, 0.5, [shapely.box(0, 0, 1, 1)])
    (found,) = simplify_patches([single], 10.0)
    assert found.outline().area > 0
