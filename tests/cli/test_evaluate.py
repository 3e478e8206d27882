import argparse
import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from fewscape import zoo
from fewscape.cli import evaluate
from fewscape.cli.main import main
from fewscape.core import ManifestError, OutputError
from fewscape.datasets import FolderDataset, ShareLimits
from fewscape.datasets.making import make_manifest
from tests.datasets.invented import write_dataset
from tests.evaluation.doubles import NearColour


@pytest.fixture
def manifest(tmp_path):
    dataset = FolderDataset(write_dataset(tmp_path / "toy", 4))
    made, _ = make_manifest("test", [dataset], [], 1, 5, 20, ShareLimits(0.1, 0.8))
    made.save(tmp_path / "m.json")
    return made


@pytest.fixture
def run(tmp_path, monkeypatch, manifest):
    monkeypatch.setattr(
        zoo, "load", lambda name, backbone, weights: SimpleNamespace(few_shot=NearColour().eval())
    )
    parser = argparse.ArgumentParser()
    evaluate.add_arguments(parser)
    fixed = ["--model", "toy_model", "--root", tmp_path, "--precision", "float32"]

    def call(*options, episodes=tmp_path / "m.json", output=tmp_path / "r.json"):
        listed = [*fixed, "--episodes", episodes, "--output", output, *options]
        return evaluate.run(parser.parse_args([str(argument) for argument in listed]))

    return call


def test_writes_json_and_prints_a_table(run, tmp_path, manifest, capsys):
    assert run() == 0
    results = json.loads((tmp_path / "r.json").read_text())
    assert results["model"] == "toy_model"
    assert results["episodes_sha256"] == manifest.sha256
    printed = capsys.readouterr().out
    assert f"{100 * results['miou']:.1f}" in printed
    assert all(name in printed for name in ("ground", "red", "blue"))


def test_selects_classes_and_limits(run, tmp_path, manifest):
    assert run("--classes", "red,blue", "--limit", 2) == 0
    results = json.loads((tmp_path / "r.json").read_text())
    rows = [(row["class_name"], row["episodes"]) for row in results["per_class"]]
    assert rows == [("red", 2), ("blue", 2)]
    assert results["episodes_sha256"] == manifest.sha256


def test_refuses_before_it_starts(run, tmp_path):
    with pytest.raises(ManifestError, match="did you mean 'red'"):
        run("--classes", "reds")
    with pytest.raises(ManifestError, match=r"there is no manifest '.*none.json'"):
        run(episodes=tmp_path / "none.json")
    with pytest.raises(OutputError, match="cannot be written"):
        run(output=tmp_path / "m.json" / "r.json")


def test_models_of_scenes_are_refused(tmp_path, manifest, capsys):
    words = ("--root", tmp_path, "--episodes", tmp_path / "m.json", "--output", tmp_path / "r.json")
    for name in ("ensemble", "pixel_trees"):
        assert main(["evaluate", "--model", name, *map(str, words)]) == 2
        told = capsys.readouterr().err
        assert f"'{name}' is a pixel model: it learns from every drawn pixel" in told
        assert "map with 'fewscape map', score with 'fewscape compare --scenes'" in told


@pytest.mark.parametrize("module", ["episodes", "evaluate"])
def test_help_needs_no_torch(module):
    code = f"import sys, fewscape.cli.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
