"""The way of a researcher from no data to a map, as a terminal would go it."""

import json

import numpy as np
import pytest
import rasterio
from PIL import Image

from fewscape.cli.main import main
from tests.training.recipes import SMALL, write_recipe

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

RESULT_KEYS = {
    *("miou", "miou_ci95", "fb_iou", "per_class"),
    *("model", "episodes_sha256", "seconds", "device", "precision", "version"),
}
CLASS_KEYS = {
    *("dataset", "class_name", "iou", "ci95"),
    *("episodes", "intersection", "union"),
}


def call(*words):
    assert main([str(word) for word in words]) == 0


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with synthetic scenes and a network trained on them."""
    folder = tmp_path_factory.mktemp("home")
    call("data", "synthesize", "--output", folder / "towns", "--scenes", 5, "--size", 256)
    data = SMALL["data"] | {"held_out": ["tree"], "folders": None}
    data["folders"] = {"root": str(folder), "names": ["towns"]}
    call("fit", "--config", write_recipe(folder, {"data": data}))
    return folder


@pytest.fixture(scope="module")
def manifest(home):
    words = ("--root", home, "--datasets", "towns", "--window", 64, "--episodes", 2)
    call("episodes", "make", *words, "--output", home / "episodes.json")
    return home / "episodes.json"


def test_synthesize_writes_a_data_set(home):
    assert len(list((home / "towns" / "images").iterdir())) == 5
    assert len(list((home / "towns" / "labels").iterdir())) == 5
    assert "water" in json.loads((home / "towns" / "classes.json").read_text())["classes"].values()


def test_fit_leaves_two_model_folders_and_its_logs(home):
    run = home / "run"
    for name in ("best", "last"):
        assert {file.name for file in (run / name).iterdir()} == {
            *("model.safetensors", "config.json", "preprocess.json", "README.md")
        }
    seen = json.loads((run / "best" / "preprocess.json").read_text())["values"]
    assert all(0 <= low < high <= 1 for low, high in zip(seen["low"], seen["high"], strict=True))
    assert (run / "csv" / "version_0" / "config.yaml").is_file()
    assert (run / "checkpoints" / "last.ckpt").is_file()


def test_evaluate_writes_the_keys_that_were_agreed(home, manifest):
    output = home / "results.json"
    words = ("--model", home / "run" / "best", "--episodes", manifest, "--root", home)
    call("evaluate", *words, "--output", output)
    results = json.loads(output.read_text())
    assert results.keys() == RESULT_KEYS
    assert all(row.keys() == CLASS_KEYS for row in results["per_class"])
    assert results["model"] == str(home / "run" / "best")
    ious = [row["iou"] for row in results["per_class"]]
    assert results["miou"] == pytest.approx(np.mean(ious))
    assert results["miou_ci95"][0] <= results["miou"] <= results["miou_ci95"][1]


def test_episodes_show_draws_them(home, manifest):
    sheet = home / "sheet.png"
    call("episodes", "show", "--episodes", manifest, "--root", home, "--output", sheet)
    with Image.open(sheet) as picture:
        assert picture.width > 64


def test_map_writes_every_file_on_the_grid_of_the_scene(home):
    scene = sorted((home / "towns" / "images").iterdir())[0]
    with rasterio.open(home / "towns" / "labels" / scene.name) as dataset:
        Image.fromarray(dataset.read(1)).save(home / "towns" / "labels.png")
    words = ("--examples", home / "towns" / "labels.png", "--model", home / "run" / "best")
    classes = ("--classes", "tree,road", "--window", 128)
    call("map", scene, *words, *classes, "--output", home / "maps")
    layers = ("classes", "road_prob", "tree_prob")
    expected = {f"{scene.stem}_{layer}.{end}" for layer in layers for end in ("tif", "qml")}
    expected |= {f"{scene.stem}_preview.png", f"{scene.stem}.gpkg"}
    assert {file.name for file in (home / "maps").iterdir()} == expected
    with (
        rasterio.open(scene) as image,
        rasterio.open(home / "maps" / f"{scene.stem}_classes.tif") as found,
    ):
        assert (found.crs, found.transform) == (image.crs, image.transform)
        assert found.nodata == 255
        assert set(np.unique(found.read(1)).tolist()) <= {0, 1, 2}
