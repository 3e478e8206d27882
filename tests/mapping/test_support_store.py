import numpy as np
import pytest
import torch

from fewscape.core import Policy
from fewscape.mapping import Examples, FewShotSegmenter, SupportStore, support_folder
from fewscape.mapping.engine import support_store as module
from tests.mapping.test_segmenter import BrightnessModel, shot

CPU = Policy(torch.device("cpu"), torch.float32)


def make(folder, model, brightness=(0.5, 0.8), policy=CPU):
    examples = Examples(("roof",), (tuple(map(shot, brightness)),))
    return FewShotSegmenter(model, examples, policy, store=folder)


def test_supports_are_learnt_once_and_are_the_same(tmp_path):
    first = make(tmp_path, BrightnessModel())
    again = make(tmp_path, BrightnessModel())
    assert len(first.model.encoded) == 2
    assert again.model.encoded == []
    for old, new in zip(first.supports[0], again.supports[0], strict=True):
        assert torch.equal(old["level"], new["level"])
    windows = torch.rand(1, 3, 16, 16)
    assert torch.equal(first(windows), again(windows))
    assert all(path.suffix == ".safetensors" for path in tmp_path.iterdir())


@pytest.mark.parametrize("change", ["weights", "precision", "pixels", "mask", "regions"])
def test_whatever_changes_a_support_has_another_file(tmp_path, change):
    make(tmp_path, BrightnessModel())
    model, brightness, policy = BrightnessModel(), (0.5, 0.8), CPU
    if change == "weights":
        torch.nn.init.constant_(model.weight, 21.0)
    if change == "precision":
        policy = Policy(torch.device("cpu"), torch.bfloat16)
    if change == "pixels":
        brightness = (0.5, 0.7)
    if change == "regions":
        model = BrightnessModel("slic")
    if change == "mask":
        store = SupportStore(tmp_path, model.eval(), CPU)
        other = shot(0.5)
        other.mask[0, 0] = 1
        made = []
        store.learn(other, lambda: made.append(1) or make(None, model).supports[0][0])
        assert made == [1]
        return
    make(tmp_path, model, brightness, policy)
    assert len(list(tmp_path.iterdir())) == (3 if change == "pixels" else 4)


def test_damaged_files_and_closed_folders_cost_time_only(tmp_path):
    first = make(tmp_path / "a", BrightnessModel())
    for path in (tmp_path / "a").iterdir():
        path.write_bytes(b"damaged")
    again = make(tmp_path / "a", BrightnessModel())
    (tmp_path / "file").touch()
    closed = make(tmp_path / "file", BrightnessModel())
    for other in (again, closed):
        assert len(other.model.encoded) == 2
        assert torch.equal(other.supports[0][1]["level"], first.supports[0][1]["level"])


def test_the_ones_unused_for_longest_go_first(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_FILES", 3)
    for brightness in np.linspace(0.1, 0.9, 5):
        make(tmp_path, BrightnessModel(), (float(brightness),))
    assert len(list(tmp_path.iterdir())) == 3


def test_the_place_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("FEWSCAPE_CACHE", str(tmp_path))
    assert support_folder() == tmp_path / "supports"
    monkeypatch.delenv("FEWSCAPE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert support_folder() == tmp_path / "x" / "fewscape" / "supports"
