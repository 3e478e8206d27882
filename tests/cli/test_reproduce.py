import json
import shutil

import numpy as np
import pytest
import rasterio
import shapely
import torch

from fewscape.backbones import BackboneConfig
from fewscape.cli.main import main
from fewscape.models import BiCoRSeg, Prototype, save_model
from tests.cli.test_map import first_roof, lit_roofs
from tests.mapping.pairs import write_pair_files
from tests.raster.rasters import noise, write_raster
from tests.raster.test_polygons import write_polygons

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def few_shot(tmp_path_factory):
    """Folder of a network that learns from examples."""
    torch.manual_seed(0)
    network = Prototype(BackboneConfig("test_resnet"))
    return save_model(network, tmp_path_factory.mktemp("models") / "mine", "card", 64)


@pytest.fixture
def home(tmp_path, few_shot):
    """Scene, examples, model and maps side by side."""
    data = lit_roofs() // 2 + noise(150, 200) // 4
    write_raster(tmp_path / "scene.tif", data)
    write_polygons(tmp_path / "roofs.gpkg", [first_roof()], ["roof"], field="kind")
    shutil.copytree(few_shot, tmp_path / "mine")
    return tmp_path


def call(*words):
    return main([str(word) for word in words])


def make_map(home, *more):
    words = ("--examples", home / "roofs.gpkg", "--class_field", "kind", "--model", home / "mine")
    words += ("--examples_are", "objects", "--output", home / "maps")
    options = ("--overlap", "0.3", "--threshold", "0.55")
    assert call("map", home / "scene.tif", *words, *options, *more) == 0
    return home / "maps" / "scene_classes.tif"


def inputs(home):
    return ("--scene", home / "scene.tif", "--examples", home / "roofs.gpkg",
            "--model", home / "mine")  # fmt: skip


def test_tags_hold_what_decides_the_map(home):
    path = make_map(home, "--min_area", "3", "--batch_size", "5", "--cog")
    with rasterio.open(path) as dataset:
        tags = dataset.tags()
    hashes = ("SCENE_FINGERPRINT", "EXAMPLES_SHA256", "EXAMPLE_SCENE_FINGERPRINT", "MODEL_SHA256")
    assert all(len(tags[name]) == 64 for name in hashes)
    names = {"SCENE": "scene.tif", "EXAMPLES": "roofs.gpkg", "EXAMPLE_SCENE": "scene.tif"}
    assert {name: tags[name] for name in names} == names
    parameters = json.loads(tags["PARAMETERS"])
    expected = {"class_field": "kind", "min_area": 3.0, "batch_size": 5, "overlap": 0.3,
                "threshold": 0.55, "cog": True, "vectors": True, "simplify": 0.0,
                "window": 64, "device": "cpu"}  # fmt: skip
    assert {name: parameters[name] for name in expected} == expected
    assert parameters["precision"] in ("float32", "bfloat16")


@pytest.mark.parametrize("more", [(), ("--cog", "--min_area", "6", "--simplify", "1")])
def test_the_same_pixels_come_again(home, capsys, more):
    path = make_map(home, *more)
    with rasterio.open(path) as dataset:
        assert 0 < (dataset.read(1) == 1).mean() < 1
    for name, layer in (("classes", "class"), ("roof_prob", "probability of roof")):
        capsys.readouterr()
        assert call("reproduce", path.with_name(f"scene_{name}.tif"), *inputs(home)) == 0
        told = capsys.readouterr().out
        assert told == f"the same: all 30,000 pixels of 'scene_{name}.tif' ({layer})\n"


def test_the_layer_is_told(home, capsys):
    other = shapely.transform(first_roof(), lambda points: points - 10)
    write_polygons(home / "roofs.gpkg", [other], ["roof"], field="kind", layer="other")
    make_map(home, "--layer", "roofs")
    path = home / "maps" / "scene_roof_prob.tif"
    with rasterio.open(path) as dataset:
        assert json.loads(dataset.tags()["PARAMETERS"])["layer"] == "roofs"
    capsys.readouterr()
    assert call("reproduce", path, *inputs(home)) == 0
    assert capsys.readouterr().out.startswith("the same: all 30,000 pixels")


def test_files_are_found_in_the_current_folder_and_beside_the_map(home, capsys, monkeypatch):
    path = make_map(home)
    monkeypatch.chdir(home)
    assert call("reproduce", path) == 0
    moved = shutil.copy(path, home / "renamed.tif")
    monkeypatch.chdir(home.parent)
    assert call("reproduce", moved) == 0
    assert "the same: all 30,000 pixels of 'renamed.tif'" in capsys.readouterr().out


def change_pixels(path, count):
    with rasterio.open(path, "r+") as dataset:
        values = dataset.read(1)
        values[0, :count] ^= 1
        dataset.write(values, 1)


def test_other_pixels_are_counted(home, capsys):
    path = make_map(home)
    change_pixels(path, 12)
    assert call("reproduce", path, *inputs(home)) == 3
    assert "12 of 30,000 pixels of 'scene_classes.tif' differ (0.040%)\n" in capsys.readouterr().out
    path = path.with_name("scene_roof_prob.tif")
    change_pixels(path, 7)
    assert call("reproduce", path, *inputs(home)) == 3
    assert "differ (0.023%), by 1 of 254 steps at most" in capsys.readouterr().out


def test_examples_from_another_scene_and_weights_of_a_name(home, capsys):
    from safetensors.torch import save_file

    torch.manual_seed(0)
    backbone = Prototype(BackboneConfig("test_resnet")).backbone
    state = {name.removeprefix("network."): value for name, value in backbone.state_dict().items()}
    save_file(state, home / "w.safetensors")
    write_raster(home / "source.tif", lit_roofs() // 2)
    network = ("--model", "prototype", "--backbone", "test_resnet", "--window", "64")
    more = (*network, "--example_scene", home / "source.tif")
    try_weights = ("--weights", home / "w.safetensors")
    path = make_map(home, *more, *try_weights)
    given = ("--scene", home / "scene.tif", "--examples", home / "roofs.gpkg")
    capsys.readouterr()
    assert call("reproduce", path, *given, *try_weights) == 2
    assert "the example scene 'source.tif' of the map" in capsys.readouterr().err
    given = (*given, "--example_scene", home / "source.tif")
    assert call("reproduce", path, *given, *try_weights) == 0
    assert "the same" in capsys.readouterr().out
    (home / "w.safetensors").write_bytes(b"others")
    assert call("reproduce", path, *given, *try_weights) == 2
    assert "the weights" in capsys.readouterr().err


def test_supervised_maps(tmp_path, capsys):
    torch.manual_seed(0)
    network = BiCoRSeg(2, BackboneConfig("test_convnext"), width=32)
    facts = {"classes": ["roof", "road"]}
    folder = save_model(network, tmp_path / "best", "card", 64, facts=facts)
    scene = write_raster(tmp_path / "scene.tif", noise(100, 90))
    options = ("--heatmaps", "--flips", "h", "--scales", "1,1.5", "--output", tmp_path)
    assert call("map", scene, "--model", folder, *options) == 0
    for name in ("classes", "heat_road"):
        assert call("reproduce", tmp_path / f"scene_{name}.tif") == 0
    assert capsys.readouterr().out.count("the same: all 9,000 pixels") == 2


def test_other_inputs_are_refused(home, capsys):
    path = make_map(home)

    def refuse(*words):
        assert call("reproduce", path, *inputs(home), *words) == 2
        return capsys.readouterr().err

    other = write_raster(home / "other.tif", noise(150, 200))
    told = refuse("--scene", other)
    assert "the scene" in told
    assert "is not what" in told
    assert "give the original with --scene" in told
    polygons = write_polygons(home / "b.gpkg", [first_roof()], ["roof"])
    assert "give the original with --examples" in refuse("--examples", polygons)
    torch.manual_seed(1)
    model = save_model(Prototype(BackboneConfig("test_resnet")), home / "b", "card", 64)
    assert "give the original with --model" in refuse("--model", model)
    assert "does not exist; check the path" in refuse("--scene", home / "absent.tif")


def test_missing_inputs_tell_the_option(home, capsys, monkeypatch):
    path = make_map(home)
    monkeypatch.chdir(home)
    (home / "scene.tif").rename(home / "else.tif")
    assert call("reproduce", path) == 2
    told = capsys.readouterr().err
    assert "the scene 'scene.tif' of the map" in told
    assert "looked beside the map and in the current folder" in told
    assert "--scene" in told


def test_files_that_are_no_maps_are_told(tmp_path, capsys):
    plain = write_raster(tmp_path / "plain.tif", np.zeros((1, 9, 9), np.uint8))
    assert call("reproduce", plain) == 2
    assert "has no record of how it was made: the tag" in capsys.readouterr().err
    assert call("reproduce", tmp_path / "absent.tif") == 2
    assert "does not exist" in capsys.readouterr().err


def test_the_map_of_a_pair_comes_again(tmp_path, capsys):
    files = write_pair_files(tmp_path)
    rasters = ("--pan", files.pan, "--ms", files.ms, "--examples", files.examples)
    options = ("--output", tmp_path / "maps", "--tile", "32", "--model", "embedded_pair4")
    assert call("map", *rasters, *options) == 0
    for layer in ("classes", "margin"):
        path = tmp_path / "maps" / f"ms_{layer}.tif"
        assert call("reproduce", path, *rasters) == 0
        assert "the same: all 65,536 pixels" in capsys.readouterr().out
    with rasterio.open(files.pan, "r+") as dataset:
        dataset.write(dataset.read() + 1)
    assert call("reproduce", path, *rasters) == 2
    assert "the panchromatic raster '" in capsys.readouterr().err
    assert call("reproduce", path, "--scene", files.ms) == 2
    assert "--scene was given for" in capsys.readouterr().err


def test_parameters_of_a_newer_version_are_told(home, capsys):
    path = make_map(home)
    with rasterio.open(path, "r+") as dataset:
        parameters = json.loads(dataset.tags()["PARAMETERS"]) | {"magic": 3}
        dataset.update_tags(PARAMETERS=json.dumps(parameters), FEWSCAPE_VERSION="99.0")
    assert call("reproduce", path, *inputs(home)) == 2
    told = capsys.readouterr()
    assert "parameter 'magic' that this version does not know" in told.err
    assert "note: the map was written by fewscape 99.0" in told.out
