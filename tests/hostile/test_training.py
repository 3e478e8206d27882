"""Trainings that fail, and recipes that ask for more than a training."""

import pytest
from safetensors.torch import load_file

from fewscape import zoo
from tests.hostile.cases import call
from tests.hostile.inputs_recipes import ran_nothing, write_pickle
from tests.training.recipes import write_recipe

pytestmark = pytest.mark.filterwarnings("ignore")


def fit(folder, *more, **changes):
    recipe = write_recipe(folder, {key.replace("__", "."): v for key, v in changes.items()})
    return call(["fit", "--config", recipe, *more])


def test_a_rate_that_is_too_large_ends_in_a_sentence_and_without_a_model(tmp_path):
    code, text = fit(tmp_path, model__lr=900.0, trainer__max_epochs=4, trainer__gradient_clip_val=0)
    assert code == 2, text
    assert "the training failed at step" in text
    assert "smaller model.lr" in text
    for name in ("best", "last"):
        if (tmp_path / "run" / name).is_dir():
            weights = load_file(tmp_path / "run" / name / "model.safetensors").values()
            assert all(bool(weight.isfinite().all()) for weight in weights)


@pytest.mark.parametrize("lr", [1e30, -1.0, float("nan"), float("inf")])
def test_impossible_rates_are_told_before_the_work(tmp_path, lr):
    code, text = fit(tmp_path, model__lr=lr)
    assert (code, "model.lr is" in text) == (2, True), text


def test_the_last_good_best_is_kept(tmp_path):
    assert fit(tmp_path)[0] == 0
    code, text = fit(tmp_path, model__lr=900.0, trainer__max_epochs=4, trainer__gradient_clip_val=0)
    assert code == 2, text
    network = zoo.load(str(tmp_path / "run" / "best")).network
    assert all(bool(weight.isfinite().all()) for weight in network.state_dict().values())


def test_what_a_cluster_left_is_looked_at_before_it_is_resumed_from(tmp_path, monkeypatch):
    for name, value in (("NTASKS", "1"), ("JOB_ID", "7"), ("JOB_NAME", "train"), ("NNODES", "1")):
        monkeypatch.setenv(f"SLURM_{name}", value)
    write_pickle(tmp_path / "run" / "hpc_ckpt_1.ckpt", tmp_path)
    code, text = fit(tmp_path)
    assert (code, "hpc_ckpt_1.ckpt' cannot be read as a checkpoint" in text) == (2, True), text
    assert ran_nothing(tmp_path)
