import json
from types import SimpleNamespace

import pytest
import torch

from fewscape import zoo
from fewscape.backbones import BackboneConfig
from fewscape.core import ConfigError
from fewscape.models import MGCL
from fewscape.training import FewShotSegmentation, SaveModelFolders


@pytest.fixture
def task():
    return FewShotSegmentation(MGCL(BackboneConfig("test_resnet")))


def trainer(folder, score, **settings):
    scores = {"val/miou": torch.tensor(score)}
    facts = {"data": "toy", "held_out": ["blue"], "seed": 0}
    state = {
        "sanity_checking": False,
        "is_global_zero": True,
        "callback_metrics": scores,
        "default_root_dir": str(folder),
        "global_step": 7,
        "datamodule": SimpleNamespace(describe=lambda: facts),
    }
    return SimpleNamespace(**state | settings)


def score_of(folder):
    return json.loads((folder / "config.json").read_text())["score"]


def test_best_is_kept_when_the_score_falls(tmp_path, task):
    save = SaveModelFolders()
    for score in (0.25, 0.5, 0.125):
        save.on_validation_end(trainer(tmp_path, score), task)
    assert (score_of(tmp_path / "best"), score_of(tmp_path / "last")) == (0.5, 0.125)


def test_a_resumed_run_remembers_the_best_score(tmp_path, task):
    first, second = SaveModelFolders(), SaveModelFolders()
    first.on_validation_end(trainer(tmp_path, 0.5), task)
    second.load_state_dict(first.state_dict())
    second.on_validation_end(trainer(tmp_path, 0.25), task)
    assert score_of(tmp_path / "best") == 0.5


def test_the_card_says_what_was_learnt(tmp_path, task):
    SaveModelFolders(str(tmp_path / "models")).on_validation_end(trainer(tmp_path, 0.5), task)
    card = (tmp_path / "models" / "best" / "README.md").read_text()
    for fact in ("mgcl", "test_resnet", "toy", "blue", "| 7 |", "val/miou = 0.5000"):
        assert fact in card
    assert "last epoch" in (tmp_path / "models" / "last" / "README.md").read_text()


def test_half_precision_halves_the_file_and_still_opens(tmp_path, task):
    for name, half in (("whole", False), ("half", True)):
        save = SaveModelFolders(str(tmp_path / name), half_precision=half)
        save.on_validation_end(trainer(tmp_path, 0.5), task)
    sizes = [
        (tmp_path / name / "best" / "model.safetensors").stat().st_size
        for name in ("whole", "half")
    ]
    assert sizes[1] < 0.6 * sizes[0]
    model = zoo.load(str(tmp_path / "half" / "best")).few_shot
    weights = task.model.state_dict()
    assert all(
        torch.allclose(tensor, weights[name].to(tensor.dtype), atol=1e-2, rtol=1e-3)
        for name, tensor in model.state_dict().items()
    )


@pytest.mark.parametrize("state", [{"sanity_checking": True}, {"is_global_zero": False}])
def test_nothing_is_written_before_training_or_by_other_processes(tmp_path, task, state):
    SaveModelFolders().on_validation_end(trainer(tmp_path, 0.5, **state), task)
    assert list(tmp_path.iterdir()) == []


def test_a_misspelt_score_is_told(tmp_path, task):
    save = SaveModelFolders(monitor="val/miuo")
    with pytest.raises(ConfigError, match=r"'val/miuo', which is not logged; did you mean"):
        save.on_validation_end(trainer(tmp_path, 0.5), task)
    assert not (tmp_path / "best").exists()
