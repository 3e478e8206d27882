import pytest
import torch
import yaml

from fewscape import zoo
from fewscape.core import ConfigError, DatasetError, OutputError, packaged_folder
from fewscape.models import ModelFolder
from fewscape.training.fitting import name_recipes, train
from tests.training.recipes import STEPS_PER_EPOCH, read_log, write_recipe

pytestmark = pytest.mark.filterwarnings("ignore")


def run(folder, changes=None, *more):
    return train(["--config", str(write_recipe(folder, changes)), *map(str, more)])


@pytest.fixture(scope="module")
def two_epochs(tmp_path_factory):
    """The folder and the trainer of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    changes = {"trainer.max_epochs": 2, "data.augment": {"brightness": 0.2}}
    return folder, run(folder, changes)


def test_a_run_leaves_model_folders_that_open(two_epochs):
    folder, trainer = two_epochs
    for name in ("best", "last"):
        config = ModelFolder.open(folder / "run" / name).config
        assert config["model"] == "mgcl"
        assert config["training"]["held_out"] == ["blue"]
    model = zoo.load(str(folder / "run" / "last")).few_shot
    trained = trainer.lightning_module.model.state_dict()
    assert trained.keys() == model.state_dict().keys()
    assert all(torch.equal(tensor, trained[name]) for name, tensor in model.state_dict().items())


def test_a_run_logs_every_step_and_saves_its_resolved_recipe(two_epochs):
    folder, _ = two_epochs
    assert len(read_log(folder / "run")) == 2 * STEPS_PER_EPOCH
    assert len(read_log(folder / "run", "val/miou")) == 2
    saved = yaml.safe_load((folder / "run" / "csv" / "version_0" / "config.yaml").read_text())
    assert saved["trainer"]["gradient_clip_val"] == 1.0
    assert saved["data"]["held_out"] == ["blue"]
    assert list((folder / "run" / "tensorboard").glob("events.*"))


def test_a_resumed_run_continues_to_the_same_losses(two_epochs, tmp_path):
    whole = two_epochs[0] / "run"
    changes = {"data.augment": {"brightness": 0.2}}
    run(tmp_path, changes)
    checkpoint = tmp_path / "run" / "checkpoints" / "last.ckpt"
    run(tmp_path, changes | {"trainer.max_epochs": 2}, "--ckpt_path", checkpoint)
    for column in ("train/loss", "val/loss", "val/miou"):
        first, second = (read_log(tmp_path / "run", column, version) for version in (0, 1))
        assert first + second == read_log(whole, column)


def test_cached_features_give_the_same_losses_within_bfloat16_rounding(tmp_path):
    losses = []
    for cache in (0.0, 0.1):
        changes = {
            "model.model.init_args.backbone.training_mode": "frozen",
            "model.cache_gigabytes": cache,
            "trainer.default_root_dir": str(tmp_path / str(cache)),
        }
        trainer = run(tmp_path, changes)
        losses.append(read_log(tmp_path / str(cache)))
    assert trainer.lightning_module.cache is not None
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


def test_bfloat16_stays_close_to_float32(tmp_path):
    losses = []
    for precision in ("32-true", "bf16-mixed"):
        root = tmp_path / precision
        run(tmp_path, {"trainer.precision": precision, "trainer.default_root_dir": str(root)})
        losses.append(read_log(root))
    assert losses[0] == pytest.approx(losses[1], rel=0.1)


def test_synthetic_scenes_and_every_loss(tmp_path):
    changes = {
        "data.folders": None,
        "data.synthetic": {"num_scenes": 8, "size": 256},
        "data.held_out": ["water"],
        "data.windows": [64, 96],
        "model.optimizer": "adamw",
        "model.dice_weight": 0.5,
        "model.dense_classes": 18,
        "model.dense_weight": 0.5,
    }
    trainer = run(tmp_path, changes)
    assert trainer.global_step == STEPS_PER_EPOCH
    total, parts = (read_log(tmp_path / "run", f"train/{n}") for n in ("loss", "cross_entropy"))
    dense = read_log(tmp_path / "run", "train/dense")
    for whole, cross_entropy, auxiliary in zip(total, parts, dense, strict=True):
        dice = 2 * (whole - cross_entropy - 0.5 * auxiliary)
        assert 0 < dice < 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model.warmup_step": 3}, r"unknown key 'model.warmup_step'; did you mean 'warmup_steps'"),
        ({"data.held_outs": ["blue"]}, r"unknown key 'data.held_outs'; did you mean 'held_out'"),
        ({"trainer.max_epoch": 2}, r"unknown key .*max_epoch'; did you mean 'max_epochs'"),
        ({"model.model.init_args.projction": 8}, r"unknown key 'projction'; .*'projection'"),
        ({"optimizr": "adam"}, r"unknown key 'optimizr'; did you mean 'optimizer'"),
        ({"data.batch_size": "many"}, r"cannot be used: .*batch_size.*many"),
        ({"data": {}}, r"has no data; expected data.folders or data.synthetic"),
        ({"data.held_out": ["blu"]}, r"held_out names 'blu'; did you mean 'blue'"),
        ({"model.dense_classes": 2, "model.dense_weight": 1}, r"is 2, but the labels go up to 2"),
    ],
)
def test_a_recipe_with_a_mistake_is_refused(tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        run(tmp_path, changes)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no recipe '.*absent\.yaml'"):
        train(["--config", str(tmp_path / "absent.yaml")])
    with pytest.raises(
        ConfigError, match=r"there is no checkpoint '.*absent\.ckpt'; .*--ckpt_path"
    ):
        run(tmp_path, None, "--ckpt_path", tmp_path / "absent.ckpt")
    with pytest.raises(DatasetError, match=r"there is no '.*toys/classes\.json'"):
        run(tmp_path, {"data.folders.names": ["toys"]})


def test_a_folder_that_cannot_be_written_is_told_before_any_work(tmp_path):
    (tmp_path / "run").write_text("in the way")
    with pytest.raises(OutputError, match=r"run' cannot be written: .*default_root_dir"):
        run(tmp_path)


def test_packaged_recipes_are_found_by_name_and_shared_settings_come_first(tmp_path):
    folder = packaged_folder("recipes") / "aerial4"
    words = name_recipes(["--config", "aerial4/mgcl", "--config=aerial4/fold0", "--model.lr", "1"])
    files = [folder / f"{name}.yaml" for name in ("common", "mgcl", "fold0")]
    assert words == [*(f"--config={file}" for file in files), "--model.lr", "1"]
    own = tmp_path / "own.yaml"
    own.write_text("model: {}")
    (tmp_path / "common.yaml").write_text("model: {}")
    assert name_recipes(["-c", str(own)]) == [f"--config={own}"]


def test_an_unknown_recipe_lists_those_that_exist():
    with pytest.raises(ConfigError, match=r"did you mean 'aerial4/mgcl'\? Known: aerial4/bicor"):
        train(["--config", "aerial4/mgclx"])
