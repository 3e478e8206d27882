import numpy as np
import pytest

from fewscape.benchmark.main_job.simulated_user import (
    FORMS,
    LEAST_PIXELS,
    MARGIN,
    REACH,
    draw,
    has_objects,
    wanted_classes,
)
from fewscape.core import ConfigError


def field() -> np.ndarray:
    """Ground with a large square, a thin line and a speck."""
    labels = np.zeros((120, 120), np.uint8)
    labels[20:80, 20:80] = 1
    labels[100:102, 10:110] = 2
    labels[90, 90] = 3
    labels[0] = 255
    return labels


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_nobody_asks_for_a_speck():
    assert wanted_classes(field()) == [0, 1, 2]


def test_nothing_is_wanted_where_nothing_is_known():
    assert wanted_classes(np.full((4, 4), 255, np.uint8)) == []
    assert draw(np.full((4, 4), 255, np.uint8), 3, rng()) == []


@pytest.mark.parametrize("form", FORMS)
def test_the_same_seed_draws_the_same(form):
    first, second = (draw(field(), 2, rng(5), form) for _ in range(2))
    assert len(first) == len(second) > 2
    for one, other in zip(first, second, strict=True):
        assert one.class_id == other.class_id
        assert (one.pixels == other.pixels).all()


@pytest.mark.parametrize("form", FORMS)
def test_fewer_drawings_are_the_first_of_more(form):
    few, many = (draw(field(), count, rng(), form, [1]) for count in (2, 5))
    for one, other in zip(few, many, strict=False):
        assert (one.pixels == other.pixels).all()


@pytest.mark.parametrize("form", ["areas", "objects"])
def test_polygons_stay_in_their_class(form):
    labels = field()
    for drawing in draw(labels, 3, rng(), form):
        assert (labels[drawing.pixels] == drawing.class_id).all()
        assert drawing.path is None


@pytest.mark.parametrize("form", ["areas", "objects"])
def test_polygons_of_a_class_do_not_overlap(form):
    drawn = draw(field(), 10, rng(), form, [0])
    assert np.sum([drawing.pixels for drawing in drawn], axis=0).max() == 1


def test_areas_keep_off_edges_and_are_large_enough():
    labels = field()
    (drawing,) = draw(labels, 1, rng(), "areas", [1])
    assert drawing.pixels.sum() >= LEAST_PIXELS
    rows, cols = np.nonzero(drawing.pixels)
    assert min(rows.min(), cols.min()) >= 20 + MARGIN
    assert max(rows.max(), cols.max()) < 80 - MARGIN


def test_an_object_is_whole():
    (drawing,) = draw(field(), 1, rng(), "objects", [1])
    assert (drawing.pixels == (field() == 1)).sum() >= 120 * 120 - 4 * 3  # but for the corners


def test_an_object_that_is_too_thin_for_a_margin_does_not_grow():
    (drawing,) = draw(field(), 1, rng(), "objects", [2])
    assert (drawing.pixels == (field() == 2)).all()


def test_a_class_that_is_used_up_gets_fewer():
    assert len(draw(field(), 5, rng(), "objects", [1])) == 1


def test_a_scribble_is_a_line_with_a_width():
    labels = field()
    for drawing in draw(labels, 3, rng(), "scribbles", [0, 1]):
        cols, rows = np.floor(drawing.path.T).astype(int)
        assert (labels[rows, cols] == drawing.class_id).all()
        assert np.abs(np.diff(drawing.path, axis=0)).max() <= 1
        assert drawing.pixels[rows, cols].all()
        reached = np.argwhere(drawing.pixels)[:, ::-1] + 0.5
        distances = np.linalg.norm(reached[:, None] - drawing.path, axis=2).min(axis=1)
        assert distances.max() <= REACH["scribbles"]


def test_points_lie_apart_in_their_class():
    labels = field()
    drawn = draw(labels, 5, rng(), "points", [1])
    places = np.concatenate([drawing.path for drawing in drawn])
    cols, rows = np.floor(places.T).astype(int)
    assert places.shape == (5, 2)
    assert (labels[rows, cols] == 1).all()
    gaps = np.linalg.norm(places[:, None] - places, axis=2)[~np.eye(5, dtype=bool)]
    assert gaps.min() > REACH["points"]


def test_a_class_of_one_pixel_can_be_drawn():
    (drawing,) = draw(field(), 3, rng(), "areas", [3])
    assert np.argwhere(drawing.pixels).tolist() == [[90, 90]]


def test_an_unknown_form_is_refused():
    with pytest.raises(ConfigError, match="'circles' is no form of drawing; known are areas"):
        draw(field(), 1, rng(), "circles")


def test_objects_are_several_and_small():
    labels = np.zeros((100, 100), np.uint8)
    labels[5:15, 5:15] = labels[5:15, 25:35] = 1
    assert not has_objects(labels, 1)  # two
    labels[5:15, 45:55] = 1
    assert has_objects(labels, 1)
    assert not has_objects(labels, 0)
    labels[50:, :] = 1
    assert not has_objects(labels, 1)  # one of them half of the scene
    assert not has_objects(labels, 7)
