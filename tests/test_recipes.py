"""Every recipe can be read, and the published ones go from archives to scores."""

import json

import numpy as np
import pytest
import yaml

from fewscape.benchmark.published.recipes import compose_recipe, overlay_recipes, read_recipe
from fewscape.cli.main import main
from fewscape.datasets.protocols import BENCHMARKS
from fewscape.datasets.published.isprs import POTSDAM, VAIHINGEN
from tests.conftest import REPOSITORY
from tests.datasets.published.invented import write_loveda, write_potsdam, write_vaihingen
from tests.recipe_names import BACKBONES, CONFIGS, list_models, stems

AERIAL4 = CONFIGS / "aerial4"
FOLDS = ("fold0", "fold1", "fold2")
PUBLISHED = ("loveda", "vaihingen", "potsdam")


def list_recipes():
    yield ["embedded"]
    yield ["embedded_pair"]
    yield ["dual_source/scene"]
    yield from (
        ["dual_source/scene", f"dual_source/{name}"] for name in ("pretrain", "original", "tknet")
    )
    yield ["bicor_seg/small"]
    yield from (["bicor_seg/published", f"bicor_seg/{name}"] for name in PUBLISHED)
    yield from (
        ["dubai/common", f"dubai/{name}"] for name in ("bicor_seg", "bicor_reference", "unet")
    )
    for path in sorted(AERIAL4.glob("*.yaml")):
        if path.stem not in ("common", *FOLDS):
            yield ["aerial4/common", f"aerial4/{path.stem}", "aerial4/fold0"]


def options_of(parts):
    return [f"--config={CONFIGS / part}.yaml" for part in parts]


def test_no_recipe_is_forgotten():
    known = {part for parts in list_recipes() for part in parts}
    known |= {f"aerial4/{fold}" for fold in FOLDS}
    for folder in ("networks", "backbones", *BENCHMARKS):  # see below
        known |= {f"{folder}/{stem}" for stem in stems(folder)}
    found = {
        path.relative_to(CONFIGS).with_suffix("").as_posix() for path in CONFIGS.rglob("*.yaml")
    }
    assert found == known


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("parts", list_recipes(), ids="+".join)
def test_a_recipe_can_be_read(parts, monkeypatch, capsys):
    monkeypatch.chdir(REPOSITORY)
    own_data = {"bicor_seg/small", "dual_source/scene"}
    words = [*options_of(parts), "--data.folder=absent"] if own_data & set(parts) else None
    with pytest.raises(SystemExit) as end:
        main(["fit", *(words or options_of(parts)), "--print_config"])
    assert end.value.code in (0, None)
    assert "init_args" in capsys.readouterr().out


def list_benchmark_recipes():
    for benchmark in BENCHMARKS:
        for model in list_models(benchmark):
            yield benchmark, model
    for backbone in BACKBONES:
        yield "isaid5i", f"mgcl@{backbone}"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("benchmark", "model"), list_benchmark_recipes())
def test_a_composed_recipe_can_be_read(benchmark, model, tmp_path, capsys):
    recipe = compose_recipe(CONFIGS, benchmark, model)
    (tmp_path / "composed.yaml").write_text(yaml.safe_dump(recipe))
    with pytest.raises(SystemExit) as end:
        main(["fit", f"--config={tmp_path / 'composed.yaml'}", "--print_config"])
    assert end.value.code in (0, None)
    printed = yaml.safe_load(capsys.readouterr().out)["model"]["model"]
    own = recipe["model"]["model"]
    assert printed["class_path"] == own["class_path"]
    assert printed["init_args"]["backbone"]["name"] == own["init_args"]["backbone"]["name"]


def test_published_recipes_take_nothing_from_ours_but_the_data():
    ours = read_recipe(CONFIGS / "isaid5i" / "common.yaml")
    for benchmark in BENCHMARKS:
        for model in list_models(benchmark):
            if model.endswith("_published"):
                files = [CONFIGS / folder / f"{model}.yaml" for folder in ("networks", benchmark)]
                told = overlay_recipes([read_recipe(file) for file in files])
                assert ours["model"].keys() <= told["model"].keys()
                assert {"batch_size", "augment", "episodes_per_epoch"} <= told["data"].keys()
                assert {"gradient_clip_val", "max_epochs"} <= told["trainer"].keys()


SMALLER = {
    "trainer": {"max_epochs": 1, "accelerator": "cpu", "enable_progress_bar": False},
    "model": {
        "network": {
            "init_args": {
                "backbone": {"name": "test_convnext", "weights": None, "options": {}},
                "width": 32,
            }
        }
    },
    "data": {"image_size": 32, "batch_size": 2, "samples_per_epoch": 4, "num_workers": 0},
}
WRITERS = {
    "loveda": lambda folder, rng: write_loveda(folder, rng, 40),
    "vaihingen": lambda folder, rng: write_vaihingen(folder, rng, (1, 3, 30, 2)),
    "potsdam": lambda folder, rng: write_potsdam(folder, rng, ("2_11", "2_12", "2_10", "6_13")),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PUBLISHED)
def test_from_archives_to_a_score(name, tmp_path, capsys):
    WRITERS[name](tmp_path / "source", np.random.default_rng(0))
    data, run = tmp_path / "data", tmp_path / "run"
    prepare = ["data", "prepare", name, "--source", tmp_path / "source", "--output", data]
    assert main([*map(str, prepare)]) == 0
    smaller = tmp_path / "smaller.yaml"
    smaller.write_text(yaml.safe_dump(SMALLER))
    recipes = [*options_of(["bicor_seg/published", f"bicor_seg/{name}"]), f"--config={smaller}"]
    places = [f"--data.folder={data}", f"--trainer.default_root_dir={run}"]
    assert main(["fit", *recipes, *places]) == 0
    training = json.loads((run / "best" / "config.json").read_text())["training"]
    assert training["colours"][1] == [255, 0, 0] if name == "loveda" else [0, 0, 255]
    eroded = [] if name == "loveda" else ["--labels", "labels_eroded"]
    words = ["evaluate", "--model", run / "best", "--data", data, "--split", "test", *eroded,
             "--output", tmp_path / "scores.json", "--predictions", tmp_path / "maps"]  # fmt: skip
    assert main([*map(str, words)]) == 0
    results = json.loads((tmp_path / "scores.json").read_text())
    if name == "loveda":
        assert results["scored_share"] == 0
        assert results["means"][0]["miou"] is None
        assert {path.name for path in (tmp_path / "maps").iterdir()} == {"4.png", "5.png"}
    else:
        kind = {"vaihingen": VAIHINGEN, "potsdam": POTSDAM}[name]
        tile = {"vaihingen": "2", "potsdam": "6_13"}[name]
        assert results["images"] == [f"{kind.stem}{tile}"]
        assert [mean["variant"] for mean in results["means"]] == ["without clutter", "all classes"]
        assert results["labels"] == "labels_eroded"
        assert 0 < results["scored_share"] < 1
    assert "overall accuracy" in capsys.readouterr().out
