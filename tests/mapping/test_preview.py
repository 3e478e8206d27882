import numpy as np
import pytest
from PIL import Image

from fewscape.mapping.output.preview import GAP, VOID, LegendEntry, draw_preview

LEGEND = [LegendEntry("roof", (255, 0, 0), 0.25), LegendEntry("road", (0, 0, 255), 0.1)]


def draw(tmp_path, image, classes, legend=LEGEND, **more):
    draw_preview(tmp_path / "preview.png", image, classes, legend, "scene", **more)
    with Image.open(tmp_path / "preview.png") as picture:
        return np.asarray(picture)


def test_scene_and_map_stand_beside_each_other(tmp_path):
    image = np.full((3, 60, 80), 0.5, np.float32)
    classes = np.zeros((60, 80), np.uint8)
    classes[10:30, 10:30] = 1
    classes[:, 70:] = 255
    picture = draw(tmp_path, image, classes)
    left, right = picture[GAP:, GAP:], picture[GAP:, 2 * GAP + 80 :]
    assert (left[:60, :70] == 128).all()
    assert (left[:60, 70:80] == VOID).all()
    assert (right[10, 10:30] == (255, 0, 0)).all()
    veil = right[20, 20]
    assert veil[0] > 128 > veil[1]
    assert (right[40, 40] == 128).all()
    assert (picture == (0, 0, 255)).all(axis=-1).any()


@pytest.mark.parametrize("size", [(1, 300), (300, 1), (1, 1), (20, 900)])
def test_any_shape_and_many_classes(tmp_path, size):
    legend = LEGEND * 12
    picture = draw(tmp_path, np.zeros((1, *size), np.float32), np.zeros(size, np.uint8), legend)
    assert picture.shape[2] == 3


def test_outlines_have_their_colour_and_a_dark_casing(tmp_path):
    image = np.full((3, 200, 200), 0.9, np.float32)
    square = [(40, 40), (160, 40), (160, 160), (40, 160), (40, 40)]
    dot = [(100, 100), (101, 100), (101, 101), (100, 100)]
    outlines = [("area", square), ("road", dot), ("roof", [(x / 2, y / 2) for x, y in square])]
    picture = draw(tmp_path, image, np.zeros((200, 200), np.uint8), outlines=outlines)
    left, right = picture[GAP:, GAP:][:200, :200], picture[GAP:, 2 * GAP + 200 :][:200, :200]
    assert (right == 230).all()
    red = (left == (255, 0, 0)).all(axis=-1)
    assert red[20, 30:70].all()
    assert not red[30:70, 30:70].any()
    across = left[14:26, 50].astype(int).sum(axis=-1)
    assert across.min() < 200  # the casing
    assert across[[0, -1]].min() == 690
    assert (left[100, 100] == (0, 0, 255)).all()
    assert left[160, 100].min() > 200  # of no class: pale
    assert left[157:164, 100].min() < 80


@pytest.mark.parametrize("size", [(1, 300), (300, 1), (1, 1)])
def test_outlines_fit_any_shape(tmp_path, size):
    line = [(-5, -5), (400, 0), (400, 400), (-5, -5)]
    image, classes = np.zeros((1, *size), np.float32), np.zeros(size, np.uint8)
    picture = draw(tmp_path, image, classes, outlines=[("roof", line)], notes=["a note"])
    assert picture.shape[2] == 3


def test_notes_stand_below_the_legend(tmp_path):
    image, classes = np.zeros((3, 100, 300), np.float32), np.zeros((100, 300), np.uint8)
    plain = draw(tmp_path, image, classes)
    one = draw(tmp_path, image, classes, notes=["accuracy 87 %"])
    long = draw(tmp_path, image, classes, notes=["accuracy 87 % " * 20, "and"])
    assert np.array_equal(one[: len(plain)], plain)
    assert (one[len(plain) - 5 :] < 100).any()
    assert len(plain) < len(one) < len(long)
