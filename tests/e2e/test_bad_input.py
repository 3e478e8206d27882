"""Mistakes that people make: one sentence, exit code 2, and nothing left behind."""

import json
import subprocess
import sys

import numpy as np
import pytest
import shapely
from PIL import Image

from fewscape.backbones import BackboneConfig
from fewscape.cli.main import main
from fewscape.models import Prototype, save_model
from tests.backbones.weights_files import write_weights
from tests.datasets.invented import write_dataset
from tests.raster.rasters import cut_in_half, noise, write_raster
from tests.raster.test_polygons import write_polygons
from tests.training.recipes import write_recipe

pytestmark = pytest.mark.filterwarnings("ignore")

SMALL_NETWORK = ("--model", "prototype", "--backbone", "test_resnet")
ROOF = shapely.box(500_010, 4_999_960, 500_030, 4_999_980)
SPECK = shapely.box(500_010, 4_999_979, 500_011, 4_999_980)
ELSEWHERE = shapely.box(0, 0, 9, 9)


@pytest.fixture
def refuse(tmp_path, capfd):
    """Run a command; it must refuse with a sentence and leave no output."""

    def call(*words, told):
        assert main([str(word) for word in words]) == 2
        lines = capfd.readouterr().err.splitlines()  # Lightning and libtiff have their say too
        (message,) = (line for line in lines if "error: " in line)
        assert message.startswith("error: ")
        assert not any("Traceback" in line for line in lines)
        assert told in message
        out = tmp_path / "out"
        assert not out.is_dir() or list(out.iterdir()) == []

    return call


@pytest.fixture
def of_objects(tmp_path):
    """A network for ``map``, which refuses random weights."""
    weights = write_weights(tmp_path / "w.safetensors")
    return (*SMALL_NETWORK, "--weights", weights, "--examples_are", "objects")


@pytest.fixture
def refuse_map(tmp_path, refuse, of_objects):
    """``map``, of noise with one roof unless told otherwise."""

    def call(*more, told, scene=None, examples=None, network=of_objects):
        scene = scene or write_raster(tmp_path / "scene.tif", noise(120, 150))
        examples = examples or write_polygons(tmp_path / "roofs.gpkg", [ROOF], ["roof"])
        words = ("map", scene, "--examples", examples, "--output", tmp_path / "out")
        refuse(*words, *network, "--window", 64, *more, told=told)

    return call


@pytest.fixture
def toy(tmp_path):
    """A data set that an episode manifest can be made of."""
    return write_dataset(tmp_path / "toy", 4)


@pytest.fixture
def refuse_episodes(tmp_path, toy, refuse):
    """``episodes make`` from the data set."""

    def call(told, output=tmp_path / "out" / "m.json"):
        words = ("episodes", "make", "--root", tmp_path, "--datasets", "toy", "--window", 20)
        refuse(*words, "--output", output, told=told)

    return call


@pytest.fixture
def manifest(tmp_path, toy):
    path = tmp_path / "m.json"
    words = ("episodes", "make", "--root", tmp_path, "--datasets", "toy", "--window", 32)
    assert main([str(word) for word in (*words, "--episodes", 1, "--output", path)]) == 0
    return path


@pytest.fixture
def refuse_evaluate(tmp_path, manifest, refuse):
    """``evaluate`` on the episodes of the data set."""

    def call(told, network=SMALL_NETWORK, output=tmp_path / "out" / "results.json"):
        words = ("evaluate", "--episodes", manifest, "--root", tmp_path, "--output", output)
        refuse(*words, *network, told=told)

    return call


@pytest.fixture
def model_folder(tmp_path):
    return save_model(Prototype(BackboneConfig("test_resnet")), tmp_path / "model", "card")


def test_the_good_case_is_accepted(tmp_path, of_objects):
    scene = write_raster(tmp_path / "scene.tif", noise(120, 150))
    examples = write_polygons(tmp_path / "roofs.gpkg", [ROOF], ["roof"])
    words = ("map", scene, "--examples", examples, "--output", tmp_path / "out", "--window", 64)
    assert main([str(word) for word in (*words, *of_objects)]) == 0


def test_examples_without_the_class_attribute(tmp_path, refuse_map):
    examples = write_polygons(tmp_path / "kinds.gpkg", [ROOF], ["roof"], field="kind")
    refuse_map(examples=examples, told="attribute 'class'; their attributes are: kind")


def test_no_polygon_inside_the_scene(tmp_path, refuse_map):
    examples = write_polygons(tmp_path / "far.gpkg", [ELSEWHERE], ["roof"])
    refuse_map(examples=examples, told="is inside the scene")


def test_a_crs_missing_on_one_side(tmp_path, refuse_map):
    examples = write_polygons(tmp_path / "bare.gpkg", [ROOF], ["roof"], crs=None)
    refuse_map(examples=examples, told="bare.gpkg' have no coordinate reference system, but")
    scene = write_raster(tmp_path / "bare.tif", noise(120, 150), crs=None)
    refuse_map(scene=scene, told="bare.tif' has no coordinate reference system, but")


def test_a_class_smaller_than_a_feature_cell(tmp_path, refuse_map):
    examples = write_polygons(tmp_path / "specks.gpkg", [ROOF, SPECK], ["roof", "car"])
    refuse_map(examples=examples, told="'car' are smaller than one feature cell")


def test_fewer_bands_than_the_model_needs(tmp_path, refuse_map):
    scene = write_raster(tmp_path / "pan.tif", noise(120, 150, 1))
    refuse_map(scene=scene, told="has 1 band, but band 2 was requested")
    refuse_map("--bands", "1", scene=scene, told="1 bands were chosen; networks take three")


@pytest.mark.parametrize("name", ["cut.tif", "cut.png"])
def test_a_truncated_scene(tmp_path, refuse_map, name):
    scene = cut_in_half(write_raster(tmp_path / name, noise(120, 150)))
    labels = write_raster(tmp_path / "labels.png", (noise(120, 150, 1) > 99).astype(np.uint8))
    refuse_map(scene=scene, examples=labels, told="truncated or damaged")


def test_a_scene_without_data(tmp_path, refuse_map):
    scene = write_raster(tmp_path / "empty.tif", 0 * noise(120, 150), nodata=0)
    refuse_map(scene=scene, told="has no valid pixel")


def test_label_ids_that_classes_json_lacks(toy, refuse, refuse_episodes, refuse_map):
    labels = np.zeros((48, 48), np.uint8)
    labels[8:20, 8:20] = 9
    Image.fromarray(labels).save(toy / "labels" / "003.png")
    refuse("data", "verify", toy, told="contain the class id 9; classes.json lists 0, 1, 2")
    refuse_episodes(told="contain the class id 9; classes.json lists 0, 1, 2")
    refuse_map(
        scene=toy / "images" / "003.png",
        examples=toy / "labels" / "003.png",
        told="has the id 9, which",
    )


def test_labels_of_another_size(toy, refuse, refuse_episodes, refuse_map):
    Image.fromarray(np.ones((40, 48), np.uint8)).save(toy / "labels" / "003.png")
    refuse("data", "verify", toy, told="003.png' have 40 x 48 pixels; expected 48 x 48")
    refuse_episodes(told="003.png' have 40 x 48 pixels; expected 48 x 48")
    refuse_map(
        scene=toy / "images" / "003.png",
        examples=toy / "labels" / "003.png",
        told="003.png' has 40 x 48 pixels",
    )


def test_networks_with_random_weights_do_not_map(refuse_map):
    for name in ("prototype", "discriminant"):
        refuse_map(
            network=("--model", name, "--backbone", "test_resnet"),
            told=f"the backbone of the model '{name}' has random weights; mapping needs trained "
            "weights; give --weights FILE, or use --model embedded",
        )
    refuse_map(network=("--model", "mgcl"), told="the head of the model 'mgcl' has random weights")


def test_an_unknown_key_of_a_recipe(tmp_path, refuse):
    changes = {"model.warmup_step": 9, "trainer.default_root_dir": str(tmp_path / "out")}
    recipe = write_recipe(tmp_path, changes)
    refuse("fit", "--config", recipe, told="'model.warmup_step'; did you mean 'warmup_steps'?")


def test_a_manifest_that_names_a_missing_file(toy, manifest, refuse_evaluate):
    name = json.loads(manifest.read_text())["episodes"][0]["query"]["image"]
    (toy.parent / name).unlink()
    refuse_evaluate(told=f"the manifest names '{name}', which does not exist under")


def test_a_model_folder_without_its_weights(model_folder, refuse_map, refuse_evaluate):
    (model_folder / "model.safetensors").unlink()
    for refuse in (refuse_map, refuse_evaluate):
        refuse(network=("--model", model_folder), told="has no model.safetensors")


def test_a_model_folder_with_altered_weights(model_folder, refuse_map, refuse_evaluate):
    weights = bytearray((model_folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (model_folder / "model.safetensors").write_bytes(weights)
    for refuse in (refuse_map, refuse_evaluate):
        refuse(network=("--model", model_folder), told="so the file was modified")


def test_an_output_folder_that_cannot_be_written(
    tmp_path, refuse, refuse_map, refuse_evaluate, refuse_episodes
):
    blocked = tmp_path / "out"
    blocked.write_text("a file where the folder should be")
    refuse_map(told="out' cannot be written")
    refuse_evaluate(told="results.json' cannot be written")
    refuse_episodes(told="m.json' cannot be written")
    refuse("data", "synthesize", "--output", blocked, "--size", 128, told="cannot make the folder")
    recipe = write_recipe(tmp_path, {"trainer.default_root_dir": str(blocked)})
    refuse("fit", "--config", recipe, told="out' cannot be written")
    assert blocked.is_file()


FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
from fewscape.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
"""Under this no file grows beyond 4 KB: what a full disk does, at a size that we choose."""


def on_a_full_disk(*words):
    """The command's own process, since pytest may have to write to a file too."""
    words = [sys.executable, "-c", FULL_DISK, *(str(word) for word in words)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("toy")
def test_a_disk_that_fills_up(tmp_path, of_objects):
    scene = write_raster(tmp_path / "scene.tif", noise(300, 300))
    examples = write_polygons(tmp_path / "roofs.gpkg", [ROOF], ["roof"])
    out = tmp_path / "out"
    words = ("map", scene, "--examples", examples, "--output", out, "--window", 64)
    assert "free some space or choose another folder" in on_a_full_disk(*words, *of_objects)
    # What was finished waits, hidden, for the same command on a disk with room.
    assert all(path.name.startswith(".fewscape-scene-") for path in out.iterdir())
    words = ("episodes", "make", "--root", tmp_path, "--datasets", "toy", "--window", 20)
    told = on_a_full_disk(*words, "--output", tmp_path / "m.json")
    assert "m.json' cannot be written: File too large" in told
