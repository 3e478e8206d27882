"""A benchmark on invented tiles, with real trainings of a few steps."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from fewscape.benchmark.published.definition import Benchmark, Run
from fewscape.benchmark.published.report import compile_report, write_report
from fewscape.benchmark.published.training_runs import make_recipe, run_one
from fewscape.core import ConfigError, DatasetError, ResultsError
from fewscape.datasets import Manifest, protocols
from fewscape.evaluation import load_counts, save_counts
from fewscape.models.folder import ModelFolder
from fewscape.training.fitting import train
from fewscape.zoo import load

SIDE = 64
TINY = {"backbone": {"name": "test_resnet"}}
RECIPES = {
    "isaid5i/common": {
        "trainer": {
            "accelerator": "cpu",
            "max_epochs": 2,
            "precision": "32-true",
            "enable_progress_bar": False,
        },
        "model": {"optimizer": "adamw", "lr": 1e-3, "schedule": "constant"},
        "data": {
            "min_share": 0.001,
            "batch_size": 2,
            "episodes_per_epoch": 4,
            "val_episodes": 2,
            "val_share": 0.4,
        },
    },
    "networks/mgcl": {
        "model": {"model": {"class_path": "fewscape.models.MGCL", "init_args": TINY}}
    },
    "networks/prototype": {
        "trainer": {"max_epochs": 0},
        "model": {"model": {"class_path": "fewscape.models.Prototype", "init_args": TINY}},
    },
}

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Forty tiles of eight scenes, nine classes in each; half of them for training."""
    folder = tmp_path_factory.mktemp("data") / "isaid5i"
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    stems = [f"P{number // 5:04d}_0_64_{number % 5}_9" for number in range(40)]
    for stem in stems:
        labels = np.zeros((SIDE, SIDE), np.uint8)
        for place, class_id in enumerate(rng.permutation(np.arange(1, 16))[:9]):
            row, col = 20 * (place // 3), 20 * (place % 3)
            labels[row : row + 16, col : col + 16] = class_id
        Image.fromarray(labels).save(folder / "labels" / f"{stem}.png")
        Image.fromarray(labels[..., None].repeat(3, 2) * 16).save(folder / "images" / f"{stem}.png")
    names = {str(n): f"class{n}" if n else "background" for n in range(16)}
    (folder / "classes.json").write_text(json.dumps({"classes": names, "ignore": 255}))
    splits = {"train": stems[:20], "val": stems[20:]}
    (folder / "splits.json").write_text(json.dumps(splits))
    return folder.parent


@pytest.fixture(scope="module")
def recipes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipes")
    for name, content in RECIPES.items():
        path = folder / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(content))
    return folder


@pytest.fixture
def make(root, recipes, tmp_path, monkeypatch):
    smaller = {
        name: replace(protocol, tile_size=SIDE, image_size=SIDE, train_min_pixels=64, min_pixels=64)
        for name, protocol in protocols.PROTOCOLS.items()
    }
    monkeypatch.setattr(protocols, "PROTOCOLS", smaller)

    def build(**changes):
        settings = {
            "name": "isaid5i",
            "protocol_name": "isaid5i-p1",
            "models": ("prototype", "mgcl"),
            "folds": (0,),
            "num_seeds": 1,
            "shots": (1,),
            "root": root,
            "recipes": recipes,
            "output": tmp_path / "out",
        } | changes
        return Benchmark(**settings)

    return build


def load_few_shot(folder):
    return load(folder).few_shot


def finish(benchmark):
    benchmark.check()
    for run in benchmark.runs():
        run_one(benchmark, run, train, load_few_shot)


def refuse(*words):
    raise AssertionError(f"nothing was to be done, but {words} was asked for")


def test_every_run_once_and_those_without_training_with_one_seed(make):
    runs = make(num_seeds=3, folds=(0, 1, 2)).runs()
    assert len(set(runs)) == len(runs) == 3 * 3 + 3
    assert [run.name for run in runs if run.model == "prototype"] == [
        f"prototype/fold{fold}/seed0" for fold in range(3)
    ]


def test_what_is_done_is_not_done_again_and_the_report_is_recomputed(make):
    benchmark = make(shots=(1, 2))
    finish(benchmark)
    for run in benchmark.runs():
        assert benchmark.is_finished(run)
        run_one(benchmark, run, refuse, refuse)
    report = write_report(benchmark)
    written = {path.name for path in benchmark.output.glob("report.*")}
    assert written == {f"report.{kind}" for kind in ("html", "md", "csv", "tex", "json")}
    assert json.loads((benchmark.output / "report.json").read_text())["protocol"] == "isaid5i-p1"
    for shots in (1, 2):
        path = benchmark.output / "mgcl" / "fold0" / "seed0" / f"{shots}shot.safetensors"
        counts, _ = load_counts(path)
        manifest = Manifest.load(benchmark.manifest_path(0, shots))
        iou = []
        for class_id in manifest.classes:
            own = [index for index, each in enumerate(manifest) if each.key == class_id]
            intersection = sum(int(counts.intersection[index, 1]) for index in own)
            iou.append(intersection / sum(int(counts.union[index, 1]) for index in own))
        found = report["shots"][str(shots)]["models"]["mgcl"]
        assert found["miou"] == pytest.approx(np.mean(iou))
        assert f"{100 * np.mean(iou):.2f}" in (benchmark.output / "report.md").read_text()
    costs = report["costs"]["mgcl"]
    assert costs["learnable"] < costs["parameters"]
    assert costs["train_seconds"] > 0
    assert report["costs"]["prototype"]["learnable"] == 0


def test_an_interrupted_training_goes_on_where_it_was(make):
    benchmark = make(models=("mgcl",))
    benchmark.check()
    run = Run("mgcl", 0, 0)

    def stop_early(words):
        train([*words, "--trainer.max_epochs", "1"])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_one(benchmark, run, stop_early, load_few_shot)
    assert not benchmark.is_finished(run)
    given = []

    def resume(words):
        given.extend(words)
        return train(words)

    run_one(benchmark, run, resume, load_few_shot)
    assert "--ckpt_path" in given
    trained = json.loads((benchmark.folder(run) / "trained.json").read_text())
    assert trained["steps"] == 4
    straight = make(models=("mgcl",), output=benchmark.output.with_name("straight"))
    finish(straight)
    first, second = (each.counts_path(run, 1) for each in (benchmark, straight))
    assert torch.equal(load_counts(first)[0].intersection, load_counts(second)[0].intersection)


def test_a_run_keeps_its_recipe(make, recipes, tmp_path):
    benchmark = make(models=("mgcl",))
    benchmark.check()
    run = Run("mgcl", 0, 0)
    with pytest.raises(ZeroDivisionError):
        run_one(benchmark, run, lambda words: 1 / 0, load_few_shot)
    with pytest.raises(ResultsError, match="was started with another recipe"):
        run_one(make(models=("mgcl",), regions=tmp_path), run, refuse, refuse)


def test_the_protocol_enters_the_recipe(make, root):
    recipe = make_recipe(make(protocol_name="isaid5i-p3"), Run("mgcl", 1, 4))
    data = recipe["data"]
    assert data["held_out"] == [f"class{number}" for number in range(6, 11)]
    assert data["leave_out"] == ["background"]
    assert (data["held_out_pixels"], data["skip_image_pixels"]) == ("skip_image", 1)
    assert data["min_share"] == 64 / SIDE**2
    folders = {"root": str(root), "names": ["isaid5i"], "split": "train", "lists": None}
    assert data["folders"] == folders
    assert data["whole_images"]
    assert recipe["seed_everything"] == data["seed"] == 4
    assert "val_manifest" not in data


def test_selection_by_the_test_is_labelled_everywhere(make):
    benchmark = make(models=("mgcl",), selection="paper")
    finish(benchmark)
    run = benchmark.runs()[0]
    folder = ModelFolder.open(benchmark.folder(run) / "best")
    assert "fold0-1shot.json; scores on these are opt" in folder.config["training"]["validation"]
    assert "optimistic" in (folder.path / "README.md").read_text()
    assert load_counts(benchmark.counts_path(run, 1))[1]["selection"] == "paper"
    report = write_report(benchmark)
    assert report["selection"] == "paper"
    for kind in ("html", "md", "tex"):
        assert "optimistic" in (benchmark.output / f"report.{kind}").read_text()
    rows = (benchmark.output / "report.csv").read_text().splitlines()
    assert all(row.startswith("isaid5i-p1,paper,") for row in rows[1:])
    assert "selected by the test score" in (benchmark.output / "report.html").read_text()
    with pytest.raises(ResultsError, match="holds protocol 'isaid5i-p1', selection 'paper'"):
        make().check()


def test_maps_of_the_backbone_are_shared_by_heads(make, tmp_path):
    benchmark = make(models=("mgcl",), num_seeds=2, features=tmp_path / "features")
    finish(benchmark)
    recipe = make_recipe(benchmark, benchmark.runs()[0])
    assert recipe["data"]["augment"] is None
    assert recipe["model"]["cache_folder"] == str(tmp_path / "features")
    backbones = list((tmp_path / "features").iterdir())
    assert len(backbones) == 2  # random weights differ with the seed; real ones do not
    assert all(any(folder.glob("*.maps")) for folder in backbones)
    assert compile_report(benchmark)["facts"]["augmentation"] == "none"
    with pytest.raises(ResultsError, match=r"augmentation 'none'; this run has .* 'as in the"):
        make(models=("mgcl",)).check()


def test_a_report_leaves_out_what_is_not_complete_and_says_so(make):
    one = make(models=("prototype",))
    finish(one)
    report = compile_report(make(num_seeds=2))
    assert list(report["shots"]["1"]["models"]) == ["prototype"]
    assert report["missing"] == ["mgcl/fold0/seed0", "mgcl/fold0/seed1"]
    with pytest.raises(ResultsError, match=r"no network in .* missing: mgcl/fold0/seed0"):
        compile_report(make(models=("mgcl",)))


def test_counts_of_other_episodes_are_refused(make):
    benchmark = make(models=("prototype",))
    finish(benchmark)
    path = benchmark.counts_path(benchmark.runs()[0], 1)
    counts, facts = load_counts(path)
    save_counts(counts, facts | {"episodes_sha256": "0"}, path)
    with pytest.raises(ResultsError, match="counts of episodes that are not"):
        compile_report(benchmark)


def test_a_trial_is_no_benchmark(make):
    benchmark = make(models=("prototype",), limit=1)
    finish(benchmark)
    assert "A trial on the first 1" in write_report(benchmark)["warnings"][0]
    assert not make(models=("prototype",)).is_finished(benchmark.runs()[0])


def test_mistakes_are_told_before_any_work(make, tmp_path):
    with pytest.raises(ConfigError, match="there is no fold 3"):
        make(folds=(3,)).check()
    with pytest.raises(ConfigError, match="no recipe 'mgc' for isaid5i"):
        make(models=("mgc",)).check()
    with pytest.raises(DatasetError, match="30-shot episodes need 31"):
        make(shots=(30,)).check()
    with pytest.raises(DatasetError, match="fewscape data prepare isaid5i"):
        make(root=tmp_path / "absent").check()
