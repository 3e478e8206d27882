"""From the archives of a published data set to the scores of its protocol."""

import json

import numpy as np
import pytest
import yaml

from fewscape.cli.main import main
from tests.datasets.published.invented import write_isaid
from tests.merged_recipes import merge_recipe

HELD_OUT = ["ground track field", "bridge", "large vehicle", "small vehicle", "helicopter"]


def run(*words):
    assert main([str(word) for word in words]) == 0


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("network", ["MGCL", "Prototype"])
def test_prepare_train_and_test_by_protocol(tmp_path, network):
    write_isaid(tmp_path / "downloads", np.random.default_rng(0), size=512, objects=12)
    made = tmp_path / "data" / "isaid5i"
    run("data", "prepare", "isaid5i", "--source", tmp_path / "downloads", "--output", made)
    run("data", "verify", made)
    (tmp_path / "mgcl.yaml").write_text(yaml.safe_dump(merge_recipe("isaid5i", "mgcl")))
    backbone = {"name": "test_resnet", "weights": None}
    if network == "Prototype":
        backbone["training_mode"] = "full"  # it has no other weights
    network_options = {
        "class_path": f"fewscape.models.{network}",
        "init_args": {"backbone": backbone},
    }
    smaller = {
        "trainer": {
            "default_root_dir": str(tmp_path / "run"),
            "max_steps": 2,
            "max_epochs": 1,
            "accelerator": "cpu",
            "precision": "32-true",
            "enable_progress_bar": False,
        },
        "model": {"model": network_options},
        "data": {
            "folders": {"root": str(tmp_path / "data")},
            "batch_size": 2,
            "episodes_per_epoch": 4,
            "val_episodes": 2,
            "val_share": 0.3,
            "min_share": 0.001,
            "held_out": HELD_OUT,
            "held_out_pixels": "background",
            "num_workers": 0,
        },
    }
    (tmp_path / "smaller.yaml").write_text(yaml.safe_dump(smaller))
    run("fit", *(f"--config={tmp_path / name}.yaml" for name in ("mgcl", "smaller")))
    episodes = tmp_path / "p1.json"
    words = ["--protocol", "isaid5i-p1", "--fold", 1, "--root", tmp_path / "data"]
    run("episodes", "make", *words, "--output", episodes)
    words = ["--model", tmp_path / "run" / "last", "--episodes", episodes]
    output = tmp_path / "results.json"
    run("evaluate", *words, "--root", tmp_path / "data", "--output", output)
    results = json.loads(output.read_text())
    tested = {row["class_name"] for row in results["per_class"]}
    assert tested == set(HELD_OUT)
    assert 0 <= results["miou"] <= 1
    counted = sum(row["episodes"] for row in results["per_class"])
    assert counted == len(json.loads(episodes.read_text())["episodes"])
