import hashlib

import numpy as np
import pytest
import shapely

from fewscape.core import ExamplesError
from fewscape.mapping import Annotations, cut_examples
from fewscape.raster import SceneReader
from tests.raster.rasters import ramp, write_raster


@pytest.fixture
def scene(tmp_path):
    data = ramp(400, 500)
    data[:, :, 480:] = 0
    with SceneReader(write_raster(tmp_path / "scene.tif", data), nodata=0) as reader:
        yield reader


def annotations(tmp_path, scene, polygons, examples_are="objects"):
    path = tmp_path / "examples.gpkg"
    path.write_bytes(b"polygons")
    arrays = {name: np.array(group, dtype=object) for name, group in polygons.items()}
    return Annotations(path, scene.grid, arrays, examples_are)


def squares(*corners, side=12):
    return [shapely.box(x, y, x + side, y + side) for x, y in corners]


def test_crops_show_the_scene_and_all_polygons_in_them(tmp_path, scene):
    drawn = annotations(tmp_path, scene, {"roof": squares((200, 200), (215, 205))})
    examples = cut_examples(drawn, scene, window=64)
    (shot,) = examples.shots[0]
    image, _ = scene.read(shot.window)
    assert np.array_equal(shot.image, image)
    assert (shot.mask == 1).sum() == 2 * 144
    assert examples.class_names == ("roof",)
    assert examples.source == "examples.gpkg"
    assert examples.sha256 == hashlib.sha256(b"polygons").hexdigest()


def test_crops_are_centred_spread_and_limited(tmp_path, scene):
    corners = [(x, y) for x in range(20, 440, 60) for y in range(20, 380, 60)]
    drawn = annotations(tmp_path, scene, {"roof": squares(*corners)})
    shots = cut_examples(drawn, scene, window=64, max_shots=5).shots[0]
    assert len(shots) == 5
    centres = np.array([(shot.window.row, shot.window.col) for shot in shots])
    distances = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    assert distances[~np.eye(5, dtype=bool)].min() > 150
    inner = [shot for shot in shots if 0 < shot.window.row < 336 and 0 < shot.window.col < 436]
    assert inner
    for shot in inner:
        assert (shot.mask[26:38, 26:38] == 1).all()


def test_crops_stay_inside_the_scene(tmp_path, scene):
    drawn = annotations(tmp_path, scene, {"roof": squares((0, 0), (450, 388))})
    windows = [shot.window for shot in cut_examples(drawn, scene, window=64).shots[0]]
    assert sorted(windows) == [(0, 0, 64, 64), (336, 424, 64, 64)]


def test_scenes_smaller_than_a_crop_are_padded_with_unknown(tmp_path):
    with SceneReader(write_raster(tmp_path / "small.tif", ramp(40, 50))) as small:
        drawn = annotations(tmp_path, small, {"roof": squares((10, 10))})
        (shot,) = cut_examples(drawn, small, window=64).shots[0]
    assert shot.image.shape == (3, 64, 64)
    assert (shot.mask[40:] == 255).all()
    assert (shot.mask[:, 50:] == 255).all()


def test_objects_larger_than_a_crop_show_their_edges(tmp_path, scene):
    drawn = annotations(tmp_path, scene, {"lake": [shapely.box(100, 100, 350, 300)]})
    shots = cut_examples(drawn, scene, window=64, max_shots=4).shots[0]
    assert len(shots) == 4
    for shot in shots:
        assert (shot.mask == 1).any()
        assert (shot.mask == 0).any()


def test_specks_get_no_crop_of_their_own(tmp_path, scene):
    specks = squares(*[(x, 20) for x in range(20, 400, 20)], side=2)
    drawn = annotations(tmp_path, scene, {"roof": squares((200, 300), side=30) + specks})
    (shot,) = cut_examples(drawn, scene, window=64).shots[0]
    assert (shot.mask == 1).sum() == 900


def test_invalid_pixels_are_unknown(tmp_path, scene):
    drawn = annotations(tmp_path, scene, {"roof": squares((472, 100), side=16)})
    (shot,) = cut_examples(drawn, scene, window=64).shots[0]
    _, valid = scene.read(shot.window)
    assert (shot.mask[~valid] == 255).all()
    assert (shot.mask == 1).sum() == 8 * 16
    unseen = annotations(tmp_path, scene, {"roof": squares((484, 100), side=8)})
    with pytest.raises(ExamplesError, match="no example of 'roof' covers a valid pixel"):
        cut_examples(unseen, scene, window=64)


def test_classes_can_be_chosen_and_others_are_background(tmp_path, scene):
    drawn = annotations(tmp_path, scene, {"roof": squares((100, 100)), "car": squares((140, 100))})
    examples = cut_examples(drawn, scene, window=128, classes=["roof"])
    assert examples.class_names == ("roof",)
    (shot,) = examples.shots[0]
    car = shapely.box(140, 100, 152, 112)
    col, row = (int(car.bounds[i] - shot.window[1 - i]) for i in (0, 1))
    assert (shot.mask[row : row + 12, col : col + 12] == 0).all()
    with pytest.raises(ExamplesError, match=r"have no class 'roofs'; did you mean 'roof'\?"):
        cut_examples(drawn, scene, classes=["roofs"])


def test_reports_objects_smaller_than_a_feature_cell(tmp_path, scene):
    drawn = annotations(
        tmp_path, scene, {"roof": squares((100, 100)), "car": squares((140, 100), side=3)}
    )
    with pytest.raises(
        ExamplesError,
        match=r"polygons of 'car' are smaller than one feature cell: the largest measures "
        r"3\.0 x 3\.0 pixels; a cell is 4 x 4 pixels",
    ):
        cut_examples(drawn, scene, window=64, cell=4)


def test_examples_without_any_background_are_refused(tmp_path, scene):
    drawn = annotations(tmp_path, scene, {"lake": squares((100, 100))}, "areas")
    with pytest.raises(ExamplesError, match=r"have no background for 'lake'; .*--examples_are obj"):
        cut_examples(drawn, scene, window=64)
    both = {"lake": squares((100, 100)), "background": squares((120, 100))}
    (shot,) = cut_examples(annotations(tmp_path, scene, both, "areas"), scene, window=64).shots[0]
    assert ((shot.mask == 1).sum(), (shot.mask == 0).sum()) == (144, 144)
