import numpy as np
import pytest
from PIL import Image

from fewscape.scene.preview import GAP, VOID, LegendEntry, draw_preview

LEGEND = [LegendEntry("roof", (255, 0, 0), 0.25), LegendEntry("road", (0, 0, 255), 0.1)]


def draw(tmp_path, image, classes, legend=LEGEND):
    draw_preview(tmp_path / "preview.png", image, classes, legend, "scene")
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
