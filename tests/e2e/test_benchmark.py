"""A published benchmark from the archives to the report, through the command line."""

import json
import re

import numpy as np
import pytest
import yaml

from fewscape.benchmark.published.recipes import overlay_recipes, read_recipe
from fewscape.cli.main import main
from fewscape.evaluation import load_counts
from tests.datasets.published.invented import write_isaid
from tests.recipe_names import CONFIGS

TINY_COMMON = {
    "trainer": {"accelerator": "cpu", "precision": "32-true", "max_epochs": 1, "max_steps": 2},
    "data": {
        "batch_size": 2,
        "episodes_per_epoch": 4,
        "val_episodes": 2,
        "val_share": 0.3,
        "num_workers": 0,
    },
}
TINY_BACKBONE = {
    "model": {"model": {"init_args": {"backbone": {"name": "test_resnet", "weights": None}}}}
}
MODELS = ("prototype@tiny", "mgcl@tiny")

pytestmark = pytest.mark.filterwarnings("ignore")


def run(*words):
    assert main([str(word) for word in words]) == 0


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The invented download, prepared, and our recipes with a backbone and a length for tests."""
    folder = tmp_path_factory.mktemp("benchmark")
    write_isaid(folder / "downloads", np.random.default_rng(0), size=512, objects=12)
    made = folder / "data" / "isaid5i"
    run("data", "prepare", "isaid5i", "--source", folder / "downloads", "--output", made)
    run("data", "verify", made)
    common = overlay_recipes([read_recipe(CONFIGS / "isaid5i" / "common.yaml"), TINY_COMMON])
    for name, content in (("isaid5i/common", common), ("backbones/tiny", TINY_BACKBONE)):
        path = folder / "configs" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content))
    (folder / "configs" / "networks").symlink_to(CONFIGS / "networks")
    return folder


def words_for(place, *more):
    return [
        *("benchmark", "isaid5i", "--models", ",".join(MODELS), "--seeds", 1),
        *("--root", place / "data", "--recipes", place / "configs"),
        *("--output", place / "out", "--device", "cpu", *more),
    ]


def test_from_archives_to_the_report_in_two_shards(place, capsys):
    run(*words_for(place, "--dry_run"))
    assert capsys.readouterr().out.count("to do") == 6
    run(*words_for(place, "--shard", "1/2"))
    assert "3 runs of the benchmark are still to do" in capsys.readouterr().out
    assert not (place / "out" / "report.json").exists()
    run(*words_for(place, "--shard", "2/2"))
    told = capsys.readouterr().out
    assert "mIoU in per cent, 1-shot" in told
    report = json.loads((place / "out" / "report.json").read_text())
    assert report["missing"] == []
    results = report["shots"]["1"]
    for model in MODELS:
        expected = [recount(place, model, fold) for fold in range(3)]
        found = results["models"][model]
        assert [fold["miou"] for fold in found["folds"]] == pytest.approx(expected)
        assert found["miou"] == pytest.approx(np.mean(expected))
        assert len(found["classes"]) == 15
        assert f"{100 * np.mean(expected):.2f}" in told
    assert results["pairs"][0]["t_runs"] == 3
    check_files(place / "out")
    run(*words_for(place))
    assert "6 runs, 0 to do" in capsys.readouterr().out


def recount(place, model, fold):
    """mIoU from the stored counts and the manifest, by a loop."""
    counts, _ = load_counts(place / "out" / model / f"fold{fold}" / "seed0" / "1shot.safetensors")
    manifest = json.loads((place / "out" / "episodes" / f"fold{fold}-1shot.json").read_text())
    sums = {}
    for number, episode in enumerate(manifest["episodes"]):
        own = sums.setdefault(episode["class_id"], [0, 0])
        own[0] += int(counts.intersection[number, 1])
        own[1] += int(counts.union[number, 1])
    assert set(sums) == set(range(5 * fold + 1, 5 * fold + 6))
    return np.mean([intersection / union for intersection, union in sums.values()])


def check_files(folder):
    page = (folder / "report.html").read_text()
    assert page.count("<section>") == 4
    assert "MGCL, ResNet-50" in page
    assert "39.92" in page
    assert "http" not in page  # needs no other file
    latex = (folder / "report.tex").read_text()
    assert latex.count(r"\\") == 2 + len(MODELS)
    assert {line.count("&") for line in latex.splitlines() if "@" in line} == {4}
    table = (folder / "report.md").read_text()
    for block in re.findall(r"(?:^\|.*\n)+", table, re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1
    rows = (folder / "report.csv").read_text().splitlines()
    assert sum(",class," in row for row in rows) == 15 * len(MODELS)


def test_runs_in_processes_give_the_same_report(place, tmp_path):
    words = words_for(place, "--folds", 0)
    at = words.index("--output") + 1
    reports = []
    for name, processes in (("one", 1), ("two", 2)):
        words[at] = tmp_path / name
        run(*words, "--processes", processes)
        reports.append(json.loads((tmp_path / name / "report.json").read_text())["shots"])
    assert reports[0] == reports[1]
    assert (tmp_path / "two" / "mgcl@tiny" / "fold0" / "seed0" / "log.txt").stat().st_size > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--protocol", "p9"], "isaid5i has no protocol 'p9'"),
        (["--folds", "0,3"], "there is no fold 3"),
        (["--models", "mgclx"], "there is no recipe 'mgclx' for isaid5i; did you mean 'mgcl'"),
        (["--models", "mgcl@vgg"], "there is no recipe of a backbone 'vgg'"),
        (["--recipes", "absent"], "expected a folder laid out like the packaged recipes"),
        (["--shots", "9"], "9-shot episodes need 10"),
        (["--only", "mgcl@tiny/fold0/seed9"], "there is no run 'mgcl@tiny/fold0/seed9'"),
        (["--selection", "paper"], "holds protocol 'isaid5i-p1', selection 'heldout'"),
    ],
)
def test_mistakes_are_told(place, words, message, capsys):
    main([str(word) for word in words_for(place, "--dry_run")])
    capsys.readouterr()
    given = [str(word) for word in words_for(place, *words)]
    assert main(given) == 2
    assert message in capsys.readouterr().err


def test_a_failed_run_is_told_and_the_others_go_on(place, tmp_path, capsys):
    broken = tmp_path / "configs"
    for part in ("isaid5i", "backbones", "networks"):
        (broken / part).mkdir(parents=True)
        for path in (place / "configs" / part).glob("*.yaml"):
            (broken / part / path.name).write_text(path.read_text())
    (broken / "networks" / "mgcl.yaml").write_text("model: {lrr: 1}")
    words = words_for(place, "--processes", 2, "--folds", 0, "--limit", 1)
    words[words.index("--recipes") + 1] = broken
    words[words.index("--output") + 1] = tmp_path / "out"
    assert main([str(word) for word in words]) == 1
    assert "1 runs failed: mgcl@tiny/fold0/seed0" in capsys.readouterr().out
    log = tmp_path / "out" / "mgcl@tiny" / "fold0" / "seed0" / "log.txt"
    assert "error: the recipe" in log.read_text()
    assert (tmp_path / "out" / "prototype@tiny" / "fold0" / "seed0" / "trained.json").exists()
