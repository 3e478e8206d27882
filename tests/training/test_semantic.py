"""Training of a fully supervised network, from recipe to model folder."""

import json
import re

import pytest
import torch
import yaml

from fewscape.backbones import BackboneConfig
from fewscape.core import ConfigError
from fewscape.datasets import image_stem
from fewscape.losses import class_cross_entropy, class_dice
from fewscape.models import BiCoRSeg
from fewscape.training.fitting import train
from fewscape.training.semantic import SemanticSegmentation
from fewscape.training.semantic_data import SemanticData
from fewscape.zoo import load
from tests.datasets.invented import write_classes, write_dataset
from tests.training.recipes import read_log

pytestmark = pytest.mark.filterwarnings("ignore")

RECIPE = {
    "task": "semantic",
    "seed_everything": 0,
    "trainer": {
        "accelerator": "cpu",
        "max_epochs": 1,
        "log_every_n_steps": 1,
        "enable_progress_bar": False,
    },
    "model": {
        "network": {
            "class_path": "fewscape.models.BiCoRSeg",
            "init_args": {
                "backbone": {"name": "test_convnext", "training_mode": "full"},
                "width": 32,
            },
        },
        "optimizer": "adamw",
        "lr": 0.003,
        "backbone_lr_factor": 1.0,
        "schedule": "constant",
    },
    "data": {"image_size": 64, "batch_size": 2, "samples_per_epoch": 32, "augment": {}},
}


def run(folder, *more, **changes):
    """Train on ten invented images; ``changes`` have two underscores for dots."""
    if not (folder / "toy").exists():
        write_dataset(folder / "toy", 10, (96, 96))
    (folder / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    words = {"data.folder": folder / "toy", "trainer.default_root_dir": folder / "run"}
    words |= {key.replace("__", "."): value for key, value in changes.items()}
    options = [f"--{key}={value}" for key, value in words.items()]
    return train(["--config", str(folder / "recipe.yaml"), *options, *map(str, more)])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder and the trainer of an uninterrupted run with slow weights."""
    folder = tmp_path_factory.mktemp("whole")
    settings = {
        "trainer__max_epochs": 3,
        "model__lookahead": "true",
        "data__ground_resolution": 0.5,
    }
    return folder, run(folder, **settings)


def test_a_run_leaves_a_folder_that_knows_its_classes(trained):
    folder, trainer = trained
    loaded = load(str(folder / "run" / "last"))
    model, opened = loaded.semantic, loaded.facts.folder
    assert opened.class_names == ("ground", "red", "blue")
    assert opened.window == 64
    assert opened.config["training"]["validation"] == ["008", "009"]
    assert opened.preprocess["ground_resolution"] == 0.5
    assert set(opened.preprocess["values"]) == {"low", "median", "high"}
    weights = trainer.lightning_module.model.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    card = (folder / "run" / "last" / "README.md").read_text()
    for fact in ("bicor_seg", "ground, red, blue", "008, 009", "fewscape map SCENE --output DIR"):
        assert fact in card


def test_it_learns_the_colours(trained):
    scores, losses = (read_log(trained[0] / "run", f"val/{name}") for name in ("miou", "loss"))
    assert scores[-1] > scores[0]
    assert losses[-1] < losses[0]


def test_the_loss_is_the_sum_of_its_terms(trained):
    run_folder = trained[0] / "run"
    names = ("cross_entropy", "dice", "auxiliary", "heat", "fisher")
    parts = [read_log(run_folder, f"train/{name}") for name in names]
    for whole, *terms in zip(read_log(run_folder), *parts, strict=True):
        assert whole == pytest.approx(sum(terms), rel=1e-5)


@pytest.mark.slow
def test_a_resumed_run_continues_the_optimiser_exactly(trained, tmp_path):
    settings = {"model__lookahead": "true"}
    run(tmp_path, trainer__max_epochs=2, **settings)
    checkpoint = tmp_path / "run" / "checkpoints" / "last.ckpt"
    run(tmp_path, "--ckpt_path", checkpoint, trainer__max_epochs=3, **settings)
    for column in ("train/loss", "val/miou"):
        first, second = (read_log(tmp_path / "run", column, version) for version in (0, 1))
        assert first + second == read_log(trained[0] / "run", column)


def test_other_classes_than_those_of_the_checkpoint_are_refused(trained, tmp_path):
    folder = write_dataset(tmp_path / "toy", 10, (96, 96))
    write_classes(folder, {0: "ground", 1: "red", 2: "blue", 3: "green"})
    checkpoint = trained[0] / "run" / "checkpoints" / "last.ckpt"
    message = r"trained on 3 classes \(ground, red, blue\); the data have 4: ground, red, blue, gre"
    with pytest.raises(ConfigError, match=message):
        run(tmp_path, "--ckpt_path", checkpoint, trainer__max_epochs=4)


def test_bfloat16_stays_close_to_float32(tmp_path):
    losses = []
    for precision in ("32-true", "bf16-mixed"):
        root = tmp_path / precision
        run(tmp_path, trainer__precision=precision, trainer__default_root_dir=root)
        losses.append(read_log(root))
    assert losses[0] == pytest.approx(losses[1], rel=0.1)


def build_task(variant, **losses):
    torch.manual_seed(0)

    def network(count):
        return BiCoRSeg(count, BackboneConfig("test_convnext"), width=32, variant=variant)

    task = SemanticSegmentation(network, ("a", "b", "c"), **losses).train()
    task.log = lambda *arguments, **options: None
    return task


def test_the_published_losses_are_a_switch():
    labels = torch.randint(0, 2, (2, 64, 64))
    labels[:, :32] = 255
    images = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    task = build_task("reference", legacy_mean=True, count_absent=True)
    output = task.model(images)
    expected = class_cross_entropy(output.logits, labels, legacy_mean=True)
    expected = expected + class_dice(output.logits, labels, count_absent=True)
    expected = expected + sum(task.model.auxiliary_losses(output, labels).values())
    assert task.training_step((images, labels), 0).item() == pytest.approx(expected.item())
    usual = build_task("reference").training_step((images, labels), 0)
    assert usual.item() != pytest.approx(expected.item())


def names_of(data, areas):
    return [image_stem(data.dataset, area.image) for area in areas]


def test_splits_of_the_data_set_come_first(tmp_path):
    folder = write_dataset(tmp_path / "toy", 6)
    (folder / "splits.json").write_text(json.dumps({"train": ["000", "002"], "val": ["005"]}))
    data = SemanticData(str(folder), image_size=32)
    assert names_of(data, data.train_areas) == ["000", "002"]
    assert names_of(data, data.val_areas) == ["005"]


def test_patterns_take_the_place_of_splits(tmp_path):
    folder = write_dataset(tmp_path / "toy", 6)
    data = SemanticData(str(folder), val=["00[45]"], image_size=32)
    assert names_of(data, data.val_areas) == ["004", "005"]
    assert names_of(data, data.train_areas) == ["000", "001", "002", "003"]


def test_validating_on_training_images_is_allowed_and_told(tmp_path, caplog):
    folder = write_dataset(tmp_path / "toy", 6)
    (folder / "splits.json").write_text(json.dumps({"train": ["000", "001"], "val": ["001"]}))
    data = SemanticData(str(folder), train=["train", "val"], val=["val"], image_size=32)
    assert names_of(data, data.train_areas) == ["000", "001"]
    assert "1 of 1 validation images are also training images" in caplog.text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"val": ["*"]}, "nothing of 'toy' is left for training"),
        ({"train": ["*"]}, "nothing of 'toy' is left for validation"),
        ({"val": ["tset"]}, "'tset' is neither a split nor an image"),
        ({"samples_per_epoch": 4}, "an epoch of 4 crops has no batch of 8"),
        ({"labels": "labels_eroded"}, "has no folder 'labels_eroded'"),
        ({"ground_resolution": 0}, "data.ground_resolution is 0; expected metres above 0"),
    ],
)
def test_wrong_settings_are_told(tmp_path, settings, message):
    folder = write_dataset(tmp_path / "toy", 6)
    with pytest.raises(ValueError, match=re.escape(message)):
        SemanticData(str(folder), **settings)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "semantics"}, r"has the unknown task 'semantics'; did you mean 'semantic'"),
        ({"model__smoothings": 0.1}, r"unknown key .*smoothings'; did you mean 'smoothing'"),
        ({"data__crops__scale": 1}, r"unknown key .*scale"),
    ],
)
def test_a_recipe_with_a_mistake_is_refused(tmp_path, change, message):
    with pytest.raises(ConfigError, match=message):
        run(tmp_path, **change)


def test_a_few_shot_recipe_is_not_taken_for_a_supervised_one(tmp_path):
    (tmp_path / "recipe.yaml").write_text("task: [1, 2")
    with pytest.raises(ConfigError, match="is not YAML"):
        train(["--config", str(tmp_path / "recipe.yaml")])
