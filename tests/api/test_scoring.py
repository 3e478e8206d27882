import pytest

import fewscape
from fewscape.core import ConfigError
from fewscape.datasets import FolderDataset, ShareLimits
from fewscape.datasets.making import make_manifest
from tests.datasets.invented import write_dataset


def test_a_network_is_scored_on_episodes(tmp_path):
    dataset = FolderDataset(write_dataset(tmp_path / "toy", 4))
    made, _ = make_manifest("test", [dataset], [], 1, 2, 32, ShareLimits(0.1, 0.8))
    made.save(tmp_path / "m.json")
    model = fewscape.load("prototype", backbone="test_resnet")
    results = fewscape.evaluate(model, tmp_path / "m.json", tmp_path, precision="float32")
    assert 0 <= results["miou"] <= 1
    assert results["model"] == "prototype"


def test_what_learns_from_no_episodes_is_told(tmp_path):
    with pytest.raises(ConfigError, match="is a pixel model"):
        fewscape.evaluate("random_forest", tmp_path / "m.json", tmp_path)
