import json

import numpy as np
import pytest
import rasterio

from fewscape.core import ConfigError, DatasetError, OutputError, Window
from fewscape.datasets.base import LabelledImages
from fewscape.synthetic import (
    SYNTHETIC_CLASSES,
    SceneSpec,
    SyntheticScenes,
    make_scene,
    write_folder,
    write_scene,
)


@pytest.fixture(scope="module")
def scene():
    return make_scene(SceneSpec(size=(96, 300), resolution=0.4, seed=5))


@pytest.fixture(scope="module")
def scenes():
    return SyntheticScenes(num_scenes=3, size=(64, 80), seed=9, max_kept=2)


def test_written_scene_reads_back(scene, tmp_path):
    image_path, labels_path = write_scene(scene, tmp_path / "new", "demo")
    with rasterio.open(image_path) as image:
        np.testing.assert_array_equal(image.read(), scene.image)
        assert image.descriptions == ("red", "green", "blue", "nir")
        assert [colour.name for colour in image.colorinterp[:3]] == ["red", "green", "blue"]
        assert image.transform == scene.transform
        assert image.crs.to_string() == scene.crs
        assert image.compression.name == "deflate"
        assert image.block_shapes[0] == (256, 256)
    with rasterio.open(labels_path) as labels:
        np.testing.assert_array_equal(labels.read(1), scene.labels)
        assert labels.dtypes == ("uint8",)


def test_written_folder_has_the_generic_layout(scenes, tmp_path):
    written = write_folder(tmp_path, scenes.specs[:2])
    assert [path.relative_to(tmp_path).as_posix() for path in written[1]] == [
        scenes.image_path(1),
        scenes.labels_path(1),
    ]
    table = json.loads((tmp_path / "classes.json").read_text())
    assert {int(number): name for number, name in table["classes"].items()} == SYNTHETIC_CLASSES
    assert table["ignore"] == 255
    with rasterio.open(written[1][1]) as labels:
        np.testing.assert_array_equal(labels.read(1), scenes.read_labels(1))


def test_a_file_in_place_of_the_folder_is_reported(scene, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match=r"cannot make the folder .*taken"):
        write_scene(scene, tmp_path / "taken", "demo")


def test_data_set_follows_the_protocol(scenes):
    assert isinstance(scenes, LabelledImages)
    assert len(scenes) == 3
    assert scenes.size(2) == (64, 80)
    assert scenes.read_image(0).shape == (3, 64, 80)
    assert scenes.read_labels(0).shape == (64, 80)


def test_windows_are_cut_from_the_whole(scenes):
    window = Window(10, 20, 30, 40)
    np.testing.assert_array_equal(
        scenes.read_image(1, window), scenes.read_image(1)[:, 10:40, 20:60]
    )
    np.testing.assert_array_equal(
        scenes.read_labels(1, window), scenes.read_labels(1)[10:40, 20:60]
    )


def test_what_a_reader_changes_stays_with_the_reader(scenes):
    scenes.read_labels(0)[:] = 255
    assert scenes.read_labels(0).max() < 255


def test_scenes_do_not_depend_on_their_number_or_on_memory(scenes):
    longer = SyntheticScenes(num_scenes=5, size=(64, 80), seed=9, max_kept=1)
    assert longer.specs[:3] == scenes.specs
    first = longer.read_image(0)
    longer.read_image(4)
    np.testing.assert_array_equal(longer.read_image(0), first)


def test_bands_and_ranges_are_obeyed():
    scenes = SyntheticScenes(4, (64, 64), (0.3, 0.4), (0.5, 0.6), seed=1, bands=4)
    assert scenes.read_image(0).shape[0] == 4
    assert all(0.3 <= spec.resolution <= 0.4 for spec in scenes.specs)
    assert all(0.5 <= spec.density <= 0.6 for spec in scenes.specs)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_scenes": 0}, "num_scenes is 0; expected at least 1"),
        ({"bands": 5}, "bands is 5; expected 1 to 4"),
        ({"max_kept": 0}, "max_kept is 0"),
        ({"resolution": (0.8, 0.3)}, r"the range \(0.8, 0.3\) is empty"),
        ({"density": 3.0}, "scene density is 3.0"),
        ({"seed": -4}, "scene seed is -4"),
    ],
)
def test_bad_settings_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        SyntheticScenes(**values)


def test_an_index_beyond_the_end_is_refused(scenes):
    with pytest.raises(DatasetError, match="no synthetic scene 3; expected 0 to 2"):
        scenes.read_image(3)
