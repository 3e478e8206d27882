"""Networks by class path and entry point; the worked example of the documentation."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fewscape import zoo
from fewscape.backbones import BackboneConfig
from fewscape.cli.main import main
from fewscape.core import ConfigError
from fewscape.models import save_model
from fewscape.request import MapRequest
from fewscape.request.running import run_map
from tests.backbones.weights_files import write_weights
from tests.request.drawn import write_files
from tests.training.recipes import write_recipe

pytestmark = pytest.mark.filterwarnings("ignore")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how_to" / "own_network.md"
PATH = "tiny_network:TinyNetwork"

PIXEL_MODEL = """
import numpy as np
from fewscape.models import PixelModel

class Nearest(PixelModel):
    name = "nearest"
    reach = 0

    def encode(self, images, colours=(0, 1, 2)):
        return images.float()

    def learn(self, cells):
        numbers = np.unique(cells.classes)
        return np.stack([cells.values[cells.classes == number].mean(0) for number in numbers])

    def predict_cells(self, values, support):
        logs = -((values[:, None] - support) ** 2).sum(2)
        return (logs - np.logaddexp.reduce(logs, 1, keepdims=True)).astype(np.float32)
"""


def read_block(title):
    """A block of code on the page."""
    return re.search(rf'```\w+ title="{title}"\n(.*?)```', PAGE.read_text(), re.DOTALL)[1]


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The page's network where Python finds it."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "tiny_network.py").write_text(read_block("tiny_network.py"))
    (folder / "nearest_mean.py").write_text(PIXEL_MODEL)
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name in ("tiny_network", "nearest_mean"):
        sys.modules.pop(name, None)


def save(module):
    from tiny_network import TinyNetwork

    torch.manual_seed(0)
    return save_model(TinyNetwork(BackboneConfig("test_resnet")), module / "best", "card", 64)


@pytest.mark.slow
def test_the_page_passes_its_own_test(module):
    (module / "test_tiny_network.py").write_text(read_block("test_tiny_network.py"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        cwd=module,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"1\d passed", done.stdout)


@pytest.mark.slow
def test_the_pages_network_is_trained_and_maps(module, tmp_path):
    recipe = write_recipe(tmp_path, {"model.model.class_path": "tiny_network.TinyNetwork"})
    assert main(["fit", "--config", str(recipe)]) == 0
    model = f"{PATH}@{tmp_path / 'run' / 'last'}"
    files = write_files(tmp_path / "in")
    given = {"scenes": str(files.scene), "examples": files.examples, "model": model}
    (made,) = run_map(MapRequest(**given, output=tmp_path / "maps"))
    assert made.plan.tags["MODEL"] == PATH
    assert made.plan.tags["MODEL_SHA256"] == zoo.find(model).sha256


def test_a_map_by_a_class_path_is_made_again_only_if_it_is_named(module, tmp_path, capsys):
    model = f"{PATH}@{save(module)}"
    files = write_files(tmp_path / "in")
    words = [files.scene, "--examples", files.examples, "--model", model]
    assert main(["map", *map(str, words), "--output", str(tmp_path / "maps")]) == 0
    sys.modules.pop("tiny_network")
    again = [tmp_path / "maps" / "scene_classes.tif", "--scene", files.scene]
    again = ["reproduce", *map(str, [*again, "--examples", files.examples])]
    assert main(again) == 2
    assert "if you trust it, give it with --model tiny_network" in capsys.readouterr().err
    assert "tiny_network" not in sys.modules
    assert main([*again, "--model", model]) == 0
    (module / "other").mkdir()
    other = save_model(
        zoo.load(f"{PATH}@{module / 'best'}").few_shot, module / "other", "card", 64, torch.bfloat16
    )
    assert main([*again, "--model", f"{PATH}@{other}"]) == 2
    assert "is not what" in capsys.readouterr().err


def test_pixel_models_need_no_folder(module, tmp_path):
    loaded = zoo.load("nearest_mean:Nearest")
    assert loaded.facts.kind == "pixel"
    assert loaded.facts.title == "nearest_mean:Nearest"
    files = write_files(tmp_path / "in")
    given = {"scenes": str(files.scene), "examples": files.examples}
    request = MapRequest(**given, model="nearest_mean:Nearest", output=tmp_path / "maps")
    (made,) = run_map(request)
    assert 0.1 < made.class_shares["roof"] < 0.6


def test_untrained_networks_are_refused(module, tmp_path):
    files = write_files(tmp_path / "in")
    weights = write_weights(tmp_path / "w.safetensors")
    given = {"scenes": str(files.scene), "examples": files.examples, "weights": str(weights)}
    with pytest.raises(ConfigError, match=f"the head of the model '{PATH}' has random weights"):
        run_map(MapRequest(**given, model=PATH, output=tmp_path / "maps"))


def test_a_class_and_a_folder_must_fit(module):
    with pytest.raises(ConfigError, match=r"holds a 'mgcl'.*expected a 'tiny_network'"):
        zoo.find(f"{PATH}@{zoo.embedded_folder()}")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("absent_module:Net", "cannot be imported"),
        ("json:Absent", "cannot be imported"),
        ("json:loads", "'json:loads' is not a class"),
        ("json:JSONDecoder", "is not a model; expected a subclass of FewShotModel"),
    ],
)
def test_class_paths_that_are_none(path, message):
    with pytest.raises(ConfigError, match=message):
        zoo.find(path)


def test_what_a_folder_says_is_never_imported(module):
    folder = save(module)
    sys.modules.pop("tiny_network")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model": PATH}))
    with pytest.raises(ConfigError, match=f"the folder holds a '{PATH}'.*mypackage.module:Class"):
        zoo.load(str(folder))
    assert "tiny_network" not in sys.modules


def test_installed_packages_give_names(module, capsys):
    folder = save(module)
    with pytest.raises(ConfigError, match="the folder holds a 'tiny_network'"):
        zoo.load(str(folder))
    info = module / "tiny-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[fewscape.models]\ntiny_network = {PATH}\n")
    assert zoo.find("tiny_network").kind == "few_shot"
    loaded = zoo.load(str(folder))
    assert loaded.facts.title == "best"
    assert type(loaded.few_shot).__name__ == "TinyNetwork"
    assert main(["models", "list"]) == 0
    assert "tiny_network" in capsys.readouterr().out
