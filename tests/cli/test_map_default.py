"""``fewscape map`` without ``--model``."""

import json

import numpy as np
import pytest
import rasterio

from fewscape.cli.main import main
from fewscape.zoo import DEFAULT, open_folder
from tests.mapping.test_pixel_bad_input import DRAWN, NAMES, box, halves
from tests.raster.rasters import write_raster
from tests.raster.test_polygons import write_polygons

pytestmark = pytest.mark.filterwarnings("ignore")

QUICK = ("--no_vectors", "--no_preview", "--no_styles", "--no_estimate")


@pytest.fixture
def call(tmp_path):
    """Exit code of ``map`` on a scene of 150 x 200 pixels, dark on the left."""
    scene = write_raster(tmp_path / "scene.tif", halves(height=150, width=200))
    drawn = [*DRAWN[:2], box(130, 5, 150, 20), box(160, 90, 190, 120)]
    examples = write_polygons(tmp_path / "a.gpkg", drawn, NAMES)

    def run(output, *more):
        words = ("map", scene, "--examples", examples, "--output", tmp_path / output)
        return main([*map(str, words), "--device", "cpu", *QUICK, *more])

    return run


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1), dataset.tags()


def test_it_is_the_ensemble(call, tmp_path):
    assert call("out") == 0
    classes, tags = read(tmp_path / "out" / "scene_classes.tif")
    assert (classes[:, :95] == 0).mean() > 0.97
    assert (classes[:, 105:] == 1).mean() > 0.97
    assert tags["MODEL"] == DEFAULT == "ensemble"
    assert tags["MODEL_SHA256"] == open_folder(DEFAULT).config["sha256"]
    parameters = json.loads(tags["PARAMETERS"])
    assert parameters["precision"] == "float32"
    assert parameters["window"] == 224  # the scene, in whole cells of the network
    made = tmp_path / "out" / "scene_roof_prob.tif"
    words = (
        "reproduce",
        made,
        "--scene",
        tmp_path / "scene.tif",
        "--examples",
        tmp_path / "a.gpkg",
    )
    assert main([*map(str, words)]) == 0


def test_windows_agree(call, tmp_path):
    """Of several that overlap and of one that holds the scene."""
    assert call("one") == 0
    assert call("many", "--window", "96") == 0
    one, many = (read(tmp_path / name / "scene_classes.tif")[0] for name in ("one", "many"))
    assert (one == many).mean() > 0.98


def test_shards_become_the_same_map(call, tmp_path):
    options = ("--window", "96", "--max_memory", "400MB")
    assert call("whole", *options) == 0
    for shard in ("1/2", "2/2"):
        assert call("parts", *options, "--shard", shard) == 0
    assert main(["merge", str(tmp_path / "parts")]) == 0
    for name in ("scene_classes.tif", "scene_roof_prob.tif"):
        whole, parts = (tmp_path / folder / name for folder in ("whole", "parts"))
        assert whole.read_bytes() == parts.read_bytes()


def test_windows_that_do_not_fit_are_told(call, capsys):
    assert call("out", "--window", "100") == 2
    told = capsys.readouterr().err
    assert "windows of 100 pixels do not fit ensemble; the side must be a multiple of 32" in told


def test_supports_of_crops_are_not_asked_for(call, capsys):
    assert call("out", "--max_shots", "3") == 2
    assert "--max_shots was given to the model 'ensemble'" in capsys.readouterr().err


def test_light_of_another_scene(call, tmp_path):
    """Its own deviation scales it."""
    other = write_raster(
        tmp_path / "other.tif", (halves(height=60, width=90) * 0.6).astype(np.uint8)
    )
    scene = str(tmp_path / "scene.tif")
    examples = str(tmp_path / "a.gpkg")
    words = ["map", str(other), "--examples", examples, "--example_scene", scene]
    assert main([*words, "--output", str(tmp_path / "out"), *QUICK]) == 0
    classes, _ = read(tmp_path / "out" / "other_classes.tif")
    assert (classes[:, :40] == 0).mean() > 0.95
    assert (classes[:, 50:] == 1).mean() > 0.95
