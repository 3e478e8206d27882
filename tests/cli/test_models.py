import json

import pytest

from fewscape import zoo
from fewscape.backbones import BackboneConfig
from fewscape.cli.main import main
from fewscape.models import Prototype, save_model
from fewscape.zoo import (
    EMBEDDED_NAMES,
    MODELS,
    PAIR_MODELS,
    PIXEL_MODELS,
    SEMANTIC_MODELS,
)


@pytest.fixture
def folder(tmp_path):
    model = Prototype(BackboneConfig("test_resnet"))
    return save_model(model, tmp_path / "mine", "# The card\n\nMade by a test.")


def test_list_names_every_model(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(zoo, "embedded_folder", lambda name=None: tmp_path / "none")
    assert main(["models", "list"]) == 0
    told = capsys.readouterr().out
    for name, model in (MODELS | PIXEL_MODELS | SEMANTIC_MODELS | PAIR_MODELS).items():
        if name not in EMBEDDED_NAMES:
            assert name in told
            assert model.__doc__.split()[0] in told
    for name in EMBEDDED_NAMES:
        assert name not in told


def test_the_default_comes_first_where_it_is(capsys):
    assert main(["models", "list"]) == 0
    _, first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.split()[:2] == ["ensemble", "Six"]
    assert "The default model." in " ".join(f"{first} {second}".split())


def test_show_prints_the_card_of_the_default(capsys):
    assert main(["models", "show", "ensemble"]) == 0
    told = capsys.readouterr().out
    assert "The default model of fewscape map" in told
    assert json.loads(told[told.index("\n{") :])["model"] == "ensemble"


def test_list_has_the_embedded_one_where_it_is(monkeypatch, folder, capsys):
    monkeypatch.setattr(zoo, "embedded_folder", lambda name=None: folder)
    assert main(["models", "list"]) == 0
    assert "embedded" in capsys.readouterr().out


def test_show_prints_card_and_configuration(folder, capsys):
    assert main(["models", "show", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "The card" in told
    assert "Made by a test." in told
    configuration = json.loads(told[told.index("{") :])
    assert configuration["model"] == "prototype"


def test_show_works_without_a_card(folder, capsys):
    (folder / "README.md").unlink()
    assert main(["models", "show", str(folder)]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == "prototype"


def test_show_refuses_what_is_no_folder(monkeypatch, tmp_path, folder, capsys):
    monkeypatch.setattr(zoo.facts, "embedded_folder", lambda name=None: tmp_path / "none")
    monkeypatch.chdir(tmp_path)
    told = {
        "embedded": "the model 'embedded' is missing from this installation",
        "ensemble": "the model 'ensemble' is missing from this installation",
        "prototype": "'prototype' is a network without a folder",
        "pixel_trees": "'pixel_trees' is a model without a folder",
        "nowhere": "the model folder 'nowhere' has no config.json",
    }
    for name, sentence in told.items():
        assert main(["models", "show", name]) == 2
        assert sentence in capsys.readouterr().err
    with (folder / "model.safetensors").open("ab") as weights:
        weights.write(b"more")
    assert main(["models", "show", str(folder)]) == 2
    assert "are not those that config.json describes" in capsys.readouterr().err
