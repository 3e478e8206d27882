import argparse
import json
from types import SimpleNamespace

import pytest
from PIL import Image

from fewscape import zoo
from fewscape.cli import compare
from fewscape.core import ConfigError, ManifestError, OutputError
from fewscape.datasets import CLASS_FOLDS, ClassFolds, FolderDataset, ShareLimits
from fewscape.datasets.making import make_manifest
from tests.datasets.invented import write_dataset
from tests.evaluation.doubles import NearColour

FILES = {"results.json", "table.md", "table.csv", "bars.png", "panels.png"}


@pytest.fixture
def run(tmp_path, monkeypatch):
    dataset = FolderDataset(write_dataset(tmp_path / "toy", 4))
    make_manifest("test", [dataset], [], 1, 5, 20, ShareLimits(0.1, 0.8))[0].save(
        tmp_path / "m.json"
    )
    loaded = []

    def load(name, backbone, weights):
        loaded.append((name, backbone, weights))
        return SimpleNamespace(few_shot=NearColour().eval())

    monkeypatch.setattr(zoo, "load", load)
    monkeypatch.setattr(zoo, "check_model", lambda name: None)
    parser = argparse.ArgumentParser()
    compare.add_arguments(parser)
    fixed = ["--episodes", tmp_path / "m.json", "--root", tmp_path, "--precision", "float32"]

    def call(models, *options, output=tmp_path / "out"):
        words = ["--models", models, *fixed, "--output", output, *options]
        return compare.run(parser.parse_args([str(word) for word in words]))

    call.loaded = loaded
    return call


def test_writes_every_file(run, tmp_path, capsys):
    assert run("prototype,other=runs/x/best", "--weights", "w.safetensors") == 0
    assert {file.name for file in (tmp_path / "out").iterdir()} == FILES
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert list(results["models"]) == ["prototype", "other"]
    assert results["sources"] == {"prototype": "prototype", "other": "runs/x/best"}
    assert results["pairs"][0]["difference"] == 0
    assert "prototype - other" in capsys.readouterr().out
    with Image.open(tmp_path / "out" / "panels.png") as picture:
        assert picture.width > 5 * 192


def test_weights_are_for_networks_given_by_name(run):
    run("prototype,runs/x/best", "--backbone", "resnet18", "--weights", "w")
    assert run.loaded == [("prototype", "resnet18", "w"), ("runs/x/best", None, None)]


def test_folders_of_checkpoints_are_called_by_their_run(run, tmp_path):
    run("runs/fold0/best,runs/fold0/last,models/mine", "--limit", 1)
    names = json.loads((tmp_path / "out" / "results.json").read_text())["models"]
    assert list(names) == ["fold0_best", "fold0_last", "mine"]


def test_two_networks_of_one_name_are_refused(run):
    with pytest.raises(
        ConfigError, match=r"'mine' twice; give each its own label, as in first=FOLDER"
    ):
        run("a/mine,b/mine")


def test_a_folder_that_cannot_be_written_is_told_before_the_work(run, tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError, match="cannot be written"):
        run("prototype")
    assert run.loaded == []


def test_each_fold_is_scored_by_the_network_that_did_not_see_it(run, tmp_path, monkeypatch):
    folds = ClassFolds((frozenset({"red"}), frozenset({"blue"})), {"red": "red", "blue": "blue"})
    monkeypatch.setitem(CLASS_FOLDS, "toy", folds)
    run("prototype,other=runs/x{fold}/best", "--folds", "toy")
    assert [name for name, *_ in run.loaded] == [
        "prototype",
        "runs/x0/best",
        "prototype",
        "runs/x1/best",
    ]
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    scores = results["models"]["other"]
    assert [row["class_name"] for row in scores["per_class"]] == ["red", "blue"]
    assert [fold["miou"] for fold in scores["folds"]] == [row["iou"] for row in scores["per_class"]]
    assert "mIoU of fold 1" in (tmp_path / "out" / "table.md").read_text()


def test_a_place_for_the_fold_needs_folds(run):
    with pytest.raises(
        ConfigError, match=r"has a fold placeholder, and no folds were given; add --folds"
    ):
        run("runs/x{fold}/best")


def test_unknown_folds_are_told(run):
    with pytest.raises(ConfigError, match=r"there are no folds 'aerial'; .*'aerial4'"):
        run("runs/x{fold}/best", "--folds", "aerial")


def test_folds_that_know_no_class_of_the_manifest_are_told(run, monkeypatch):
    monkeypatch.setitem(
        CLASS_FOLDS,
        "toy",
        ClassFolds((frozenset({"ship"}), frozenset({"plane"})), {n: n for n in ("ship", "plane")}),
    )
    with pytest.raises(ManifestError, match=r"none of the manifest's classes .* is in any fold"):
        run("runs/x{fold}/best", "--folds", "toy")


def test_a_folder_that_is_absent_is_told_before_the_work(run, tmp_path, monkeypatch):
    monkeypatch.undo()
    folds = ClassFolds((frozenset({"red"}), frozenset({"blue"})), {"red": "red", "blue": "blue"})
    monkeypatch.setitem(CLASS_FOLDS, "toy", folds)
    (tmp_path / "run0").mkdir()
    with pytest.raises(ConfigError, match="run1' is neither a model nor a model folder"):
        run(f"{tmp_path}/run{{fold}}", "--folds", "toy")
