import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fewscape.core import ShapeError
from fewscape.regions import RegionMaker, make_regions, number_by_area
from tests.reference import regions as reference
from tests.regions.pictures import make_picture

CLASSICAL = {"slic": {"num_segments": 400}, "felzenszwalb": {"min_size": 20}}
method = pytest.mark.parametrize("name", CLASSICAL)


def make(name) -> RegionMaker:
    return make_regions(name, **CLASSICAL[name])


def is_numbered_by_area(regions):
    areas = np.bincount(regions[regions >= 0])
    return areas.all() and (np.diff(areas) <= 0).all()


@given(hnp.arrays(np.int64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
                  elements=st.integers(-3, 5)))  # fmt: skip
def test_numbering_equals_the_reference(ids):
    assert np.array_equal(number_by_area(ids), reference.number_by_area(ids))


def test_equal_areas_are_numbered_in_reading_order():
    assert number_by_area(np.array([[9, 9, 4, 4], [1, 1, 1, -7]])).tolist() == [
        [1, 1, 2, 2],
        [0, 0, 0, -1],
    ]


def test_nothing_is_numbered_as_nothing():
    assert (number_by_area(np.full((2, 3), -1)) == -1).all()


@method
@pytest.mark.parametrize("bands", [1, 2, 3, 4, 7])
def test_any_number_of_bands(name, bands):
    regions = make(name)(make_picture(bands=bands))
    assert regions.dtype == np.int32
    assert regions.shape == (48, 64)
    assert regions.min() == 0
    assert regions.max() >= 2
    assert is_numbered_by_area(regions)


@method
def test_regions_follow_edges(name):
    regions = make(name)(make_picture())
    bright = np.zeros((48, 64), bool)
    bright[:24, :21] = True
    inside = np.array([(bright[regions == i]).mean() for i in range(regions.max() + 1)])
    weights = np.bincount(regions.ravel())
    assert np.average(np.minimum(inside, 1 - inside), weights=weights) < 0.02


@method
def test_the_same_image_gives_the_same_regions_in_another_process(name):
    maker = make(name)
    again = pickle.loads(pickle.dumps(maker))
    assert again == maker
    assert np.array_equal(maker(make_picture()), again(make_picture()))


@method
def test_invalid_pixels_have_no_region(name):
    valid = np.ones((48, 64), bool)
    valid[10:30, 5:50] = False
    regions = make(name)(make_picture(), valid)
    assert (regions[~valid] == -1).all()
    assert (regions[valid] >= 0).all()
    assert is_numbered_by_area(regions)


@method
def test_what_is_not_finite_has_no_region_and_changes_nothing_else(name):
    image = make_picture().astype(np.float32) / 255
    image[3, 4, 1] = np.nan
    image[7, 8, 0] = np.inf
    regions = make(name)(image)
    assert np.argwhere(regions == -1).tolist() == [[3, 4], [7, 8]]


@method
def test_an_image_without_valid_pixels_has_no_regions(name):
    maker = make(name)
    assert (maker(make_picture(), np.zeros((48, 64), bool)) == -1).all()
    assert (maker(np.full((8, 9, 3), np.nan, np.float32)) == -1).all()


@method
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (3, 5)])
def test_tiny_and_flat_images(name, size):
    assert (make(name)(np.zeros((*size, 3), np.uint8)) == 0).all()
    noise = make_picture(size, bands=5)
    assert make(name)(noise).min() == 0


@method
def test_refuses_other_shapes(name):
    with pytest.raises(ShapeError, match=r"has shape \(4, 5\); expected \(H, W, C\)"):
        make(name)(np.zeros((4, 5), np.uint8))
    with pytest.raises(ShapeError, match=r"has shape \(0, 5, 3\)"):
        make(name)(np.zeros((0, 5, 3), np.uint8))
    with pytest.raises(ShapeError, match=r"valid pixels has shape \(5, 4\); expected \(4, 5\)"):
        make(name)(np.zeros((4, 5, 3), np.uint8), np.ones((5, 4), bool))
