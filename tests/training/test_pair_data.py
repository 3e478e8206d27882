import json

import numpy as np
import pytest

from fewscape.cli.main import main
from fewscape.core import ConfigError, DatasetError
from fewscape.datasets.pan_ms import EpisodeOptions, make_synthetic_pair
from fewscape.training.pair_data import PairData
from fewscape.zoo import load

pytestmark = pytest.mark.filterwarnings("ignore")
FEW = EpisodeOptions(way=3, shots=2, queries=4)


def write_pairs(folder, count=2, size=48, labelled=True, seed=0):
    folder.mkdir()
    for number in range(count):
        made = make_synthetic_pair(size, seed + number, fields=30)
        labels = {"labels": made.labels} if labelled else {}
        np.savez(folder / f"scene{number}.npz", pan=made.pair.pan, ms=made.pair.ms, **labels)
    return str(folder)


def test_pairs_are_for_training_or_for_validation(tmp_path):
    data = PairData(write_pairs(tmp_path / "a", 3, 48), chip=48, sampling=FEW)
    assert len(data.episodes.scenes) == 2
    assert len(data.validation) == 1
    assert data.describe()["validation"] == "1 scenes"


def test_chips_of_one_pair_do_not_share_ground(tmp_path):
    data = PairData(write_pairs(tmp_path / "a", 1, 96), chip=48, sampling=FEW)
    assert len(data.episodes.scenes) == 3
    assert len(data.validation) == 1
    means = [scene.ms.mean().item() for scene in (*data.episodes.scenes, *data.validation)]
    assert len(set(means)) == 4
    assert all(scene.ms.shape == (4, 48, 48) for scene in data.episodes.scenes)


def test_pairs_without_labels_are_clustered(tmp_path):
    data = PairData(
        write_pairs(tmp_path / "a", labelled=False), chip=48, pseudo_classes=6, sampling=FEW
    )
    labels = data.episodes.scenes[0].labels
    assert 2 <= len(labels.unique()) <= 6


def test_pixels_held_back_are_never_trained_on(tmp_path):
    from tests.mapping.pairs import write_pair_files

    files = write_pair_files(tmp_path / "scene", 64)
    test = np.where(np.arange(64) >= 20, files.labels, 0)
    np.save(tmp_path / "scene" / "test.npy", test)
    np.save(tmp_path / "scene" / "train.npy", files.labels - test)
    data = PairData(str(tmp_path), chip=32, sampling=FEW)
    for scene in (*data.episodes.scenes, *data.validation):
        assert scene.pixels[:, 1].max() < 20


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ConfigError, "give nothing to train on"),
        ({"synthetic_scenes": 2, "chip": 8}, ConfigError, "chips of at least 32"),
        ({"folder": "pairs", "ratio": 2}, ConfigError, "'scene0' has a ratio of 4"),
        ({"folder": "empty"}, DatasetError, "there is no pair in"),
    ],
)
def test_data_that_cannot_train_is_told(tmp_path, monkeypatch, options, error, message):
    monkeypatch.chdir(tmp_path)
    write_pairs(tmp_path / "pairs")
    (tmp_path / "empty").mkdir()
    with pytest.raises(error, match=message):
        PairData(**options)


def test_from_pairs_to_a_model_folder(tmp_path, capsys):
    """The recipe's keys, training, validation, card and model folder."""
    words = [
        "fit",
        *("--task", "dual_source", "--trainer.default_root_dir", tmp_path / "run"),
        *("--trainer.max_epochs", 2, "--trainer.accelerator", "cpu"),
        *("--trainer.enable_progress_bar", "false", "--save.monitor", "val/aa"),
        *("--model.network.class_path", "fewscape.models.DualSource"),
        *("--model.network.init_args.config.width", 16, "--model.refresh_epochs", 1),
        *("--model.warmup_epochs", 0),
        *("--data.folder", write_pairs(tmp_path / "a"), "--data.chip", 48, "--data.steps", 2),
    ]
    assert main([str(word) for word in words]) == 0
    loaded = load(str(tmp_path / "run" / "best"))
    model, folder = loaded.pair, loaded.facts.folder
    assert model.config.width == 16
    assert 0 < folder.config["score"] <= 1
    assert "--pan PAN.tif" in (folder.path / "README.md").read_text()
    assert json.loads((folder.path / "preprocess.json").read_text())["percentiles"] == [0.1, 99.9]
    ratio = ["--model.network.init_args.config.ratio", 2]
    assert main([str(word) for word in [*words, *ratio]]) == 2
    assert "the network needs a ratio of 2 and 4 bands" in capsys.readouterr().err
