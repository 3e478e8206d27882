"""What stays beside a new map of a scene."""

import pytest

from fewscape.mapping import MapOptions, OutputOptions, map_scene
from fewscape.raster import SceneReader
from tests.mapping.doubles import BandSegmenter
from tests.mapping.test_runner import patches
from tests.raster.rasters import write_raster


@pytest.fixture
def write_map(tmp_path):
    """Map a scene, and list the output folder."""

    def call(names=("red", "green"), scene="scene.tif", **options):
        path = write_raster(tmp_path / scene, patches())
        with SceneReader(path) as opened:
            map_scene(opened, BandSegmenter(names), tmp_path / "out", MapOptions(**options))
        return {path.name for path in (tmp_path / "out").iterdir()}

    return call


def test_rasters_of_other_classes_go(write_map):
    assert "scene_red_prob.tif" in write_map()
    found = write_map(("roof", "road"))
    assert "scene_red_prob.tif" not in found
    assert "scene_red_prob.qml" not in found
    assert {"scene_roof_prob.tif", "scene_road_prob.qml", "scene.gpkg"} <= found


def test_files_of_other_options_go(write_map):
    write_map()
    bare = {"vectors": False, "preview": False, "outputs": OutputOptions(styles=False)}
    found = write_map(**bare)
    assert found == {"scene_classes.tif", "scene_red_prob.tif", "scene_green_prob.tif"}


def test_files_of_other_scenes_and_of_users_stay(write_map, tmp_path):
    others = write_map(scene="scene_red.tif")
    mine = {"scene.gpkg": "mine", "scene_preview.png": "mine", "scene_notes.tif": "mine"}
    for name, text in mine.items():
        (tmp_path / "out" / name).write_text(text)
    found = write_map(("roof", "road"), vectors=False, preview=False)
    assert others | set(mine) <= found
