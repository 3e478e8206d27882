"""Networks by name and from folders, the one that is shipped among them."""

import json
import shutil

import numpy as np
import pytest
import torch

from fewscape.backbones import BackboneConfig
from fewscape.core import ConfigError, ModelFolderError
from fewscape.models import MGCL, save_model
from fewscape.ops import resize_maps
from fewscape.regions import open_regions
from fewscape.synthetic import SYNTHETIC_CLASSES, SceneSpec, make_scene
from fewscape.zoo import (
    DEFAULT,
    TRAINING_FREE,
    embedded_folder,
    find,
    load,
    open_folder,
)

SIDE = 256
WATERY = (9, 10, 18, 27)
"""The first seeds of scenes with more than 8 % of water in both halves."""
WATER = next(number for number, name in SYNTHETIC_CLASSES.items() if name == "water")


@pytest.fixture
def altered(tmp_path):
    """A model folder whose config.json was edited by hand."""

    def build(**changes):
        folder = save_model(MGCL(BackboneConfig("test_resnet")), tmp_path / "model", "card")
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | changes))
        return str(folder)

    return build


def find_in_other_half(model, cut, scene):
    """What the model takes for water in the right half, from the left one, and the truth."""
    truth = np.split(scene.labels == WATER, 2, axis=1)
    images = [np.ascontiguousarray(half) for half in np.split(scene.image[:3], 2, axis=2)]
    regions = np.stack([cut(image.transpose(1, 2, 0)) for image in images])
    with torch.inference_mode():
        features = model.encode(torch.from_numpy(np.stack(images)), torch.from_numpy(regions))
        support = model.learn(features[:1], torch.from_numpy(truth[0][None].astype(np.uint8)))
        output = model.predict(features[1:], [support])
    logits = resize_maps(output.logits, output.size)[0]
    return (logits[1] > logits[0]).numpy(), truth[1]


@pytest.mark.slow
def test_the_embedded_model_finds_a_class_that_it_never_saw():
    assert "water" in open_folder("embedded").config["training"]["held_out"]
    model = load("embedded").few_shot
    cut = open_regions(model.region_method, model.region_options)
    scenes = [make_scene(SceneSpec(size=(SIDE, 2 * SIDE), seed=seed)) for seed in WATERY]
    found, truth = (
        np.stack(part)
        for part in zip(*(find_in_other_half(model, cut, scene) for scene in scenes), strict=True)
    )
    overlap = (found & truth).sum() / (found | truth).sum()
    assert overlap > 2 * truth.mean()  # "everything is water" has an IoU of the share


@pytest.mark.parametrize(
    ("name", "is_told"), [*((n, False) for n in TRAINING_FREE), ("mgcl", True)]
)
def test_only_a_head_that_could_be_trained_is_called_untrained(name, is_told, caplog):
    load(name, "test_resnet")
    assert ("the head of" in caplog.text) == is_told
    assert "has random weights; give --weights FILE" in caplog.text


def test_a_name_that_is_none_names_the_nearest():
    with pytest.raises(ConfigError, match=r"'mgcll' is neither .* did you mean 'mgcl'"):
        load("mgcll")


@pytest.mark.parametrize("name", ["ensemble", "maximum_likelihood"])
def test_a_model_of_scenes_is_no_network_of_crops(name):
    with pytest.raises(
        ConfigError, match=rf"'{name}' is a pixel model.*'fewscape compare --scenes'"
    ):
        assert load(name).few_shot
    with pytest.raises(ConfigError, match="learns its classes from examples"):
        assert load(name).semantic
    with pytest.raises(ConfigError, match="is not a network for panchromatic"):
        assert load(name).pair


def test_a_folder_of_a_model_of_scenes_is_one(tmp_path):
    folder = str(shutil.copytree(embedded_folder("ensemble"), tmp_path / "copy"))
    assert find(folder).kind == "pixel"
    with pytest.raises(ConfigError, match="is a pixel model"):
        assert load(folder).few_shot
    assert torch.equal(load(folder).pixel.deep.projection, load(DEFAULT).pixel.deep.projection)


@pytest.mark.parametrize("name", ["prototype", "embedded"])
def test_a_network_of_crops_is_no_model_of_scenes(name):
    with pytest.raises(ConfigError, match=f"there is no pixel model '{name}'"):
        assert load(name).pixel


@pytest.mark.parametrize("arguments", [{}, {"backbone": {"name": "test_resnet"}}, 7])
def test_an_altered_ensemble_is_told(tmp_path, arguments):
    folder = shutil.copytree(embedded_folder("ensemble"), tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"arguments": arguments}))
    with pytest.raises(ModelFolderError, match="does not describe a 'ensemble'"):
        load(str(folder))


def test_a_folder_brings_its_own_backbone():
    with pytest.raises(ConfigError, match="holds its own backbone"):
        load("embedded", backbone="resnet18")


def test_a_network_of_another_version_is_named(altered):
    with pytest.raises(ConfigError, match="the folder holds a 'mgcl2'"):
        load(altered(model="mgcl2"))


@pytest.mark.parametrize("arguments", [{}, {"backbone": {"name": "test_resnet"}}, {"depth": 3}, 7])
def test_an_altered_description_is_told(altered, arguments):
    with pytest.raises(ModelFolderError, match=r"does not describe a 'mgcl'.*copy the folder"):
        load(altered(arguments=arguments))


def test_altered_weights_are_told(tmp_path):
    shutil.copytree(embedded_folder(), tmp_path / "copy")
    with (tmp_path / "copy" / "model.safetensors").open("ab") as file:
        file.write(b"0")
    with pytest.raises(ModelFolderError, match="their SHA-256 differs"):
        load(str(tmp_path / "copy"))
