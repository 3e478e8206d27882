import numpy as np
import pytest
import rasterio

from fewscape.benchmark.main_job.scenes import choose_scenes, find_part
from fewscape.core import DatasetError
from tests.benchmark.invented_scenes import halves, thirds, write_folder


@pytest.fixture
def folder(tmp_path):
    scenes = {f"{number}": halves(0, 1) for number in range(6)} | {"flat": halves(0, 0)}
    return write_folder(tmp_path / "toy", scenes, has_nir=True)


def test_the_choice_is_the_same_and_grows(folder):
    names = [[scene.name for scene in choose_scenes(folder, count)] for count in (2, 2, 4)]
    assert names[0] == names[1] == names[2][:2]
    assert [scene.name for scene in choose_scenes(folder, 4, seed=3)] != names[2]


def test_scenes_with_one_class_are_left_out(folder):
    assert {scene.name for scene in choose_scenes(folder, 99)} == set("012345")


def test_no_scene_with_two_classes_is_told(tmp_path):
    flat = write_folder(tmp_path / "flat", {"a": halves(1, 1)})
    with pytest.raises(DatasetError, match=r"no image of .*flat' shows two classes; each must"):
        choose_scenes(flat, 1)


def test_near_infrared_is_a_fourth_band_of_the_same_scenes(folder):
    plain, more = choose_scenes(folder, 3), choose_scenes(f"{folder}+nir", 3)
    assert [scene.name for scene in plain] == [scene.name for scene in more]
    assert (plain[0].dataset, more[0].dataset) == ("toy", "toy+nir")
    assert (more[0].pixels[:3] == plain[0].pixels).all()
    assert set(np.unique(more[0].pixels[3])) == {20, 230}
    chances = [scene.make_generator(1, "areas", 0).random() for scene in (plain[0], more[0])]
    assert chances[0] == chances[1]


def test_missing_near_infrared_is_told(tmp_path):
    folder = write_folder(tmp_path / "toy", {"a": halves(0, 1)})
    with pytest.raises(DatasetError, match=r"has no near infrared of 'a'; expected .*\+nir"):
        choose_scenes(f"{folder}+nir", 1)


def test_near_infrared_of_another_kind_is_told(folder):
    for file in (folder / "nir").iterdir():
        file.write_bytes((folder / "images" / file.name).read_bytes())
    with pytest.raises(DatasetError, match="has 3 channels of uint8; expected one of uint8"):
        choose_scenes(f"{folder}+nir", 1)


def test_another_id_to_ignore_becomes_unknown(tmp_path):
    labels = halves(0, 1)
    labels[labels == 255] = 9
    folder = write_folder(tmp_path / "toy", {"a": labels})
    text = (folder / "classes.json").read_text().replace("255", "9")
    (folder / "classes.json").write_text(text)
    assert choose_scenes(folder, 1)[0].labels[0, 0] == 255


def test_the_part_shows_most_classes():
    labels = np.zeros((400, 500), np.uint8)
    labels[300:, 400:] = 1
    labels[350:, 450:] = 255
    window = find_part(labels, 200)
    assert (window.height, window.width) == (200, 200)
    assert {0, 1} <= set(np.unique(labels[window.slices]))
    whole = find_part(labels[:100], 200)
    assert (whole.row, whole.col, whole.height, whole.width) == (0, 0, 100, 200)


def test_four_bands_are_written_without_transparency(folder, tmp_path):
    choose_scenes(f"{folder}+nir", 1)[0].write(tmp_path / "scene.tif")
    with rasterio.open(tmp_path / "scene.tif") as file:
        assert file.descriptions == ("red", "green", "blue", "nir")
        assert rasterio.enums.ColorInterp.alpha not in file.colorinterp


def test_stripes_are_all_wanted(tmp_path):
    folder = write_folder(tmp_path / "toy", {"a": thirds()})
    assert choose_scenes(folder, 1)[0].wanted == [0, 1, 2]
