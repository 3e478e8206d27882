import json

import numpy as np
import pytest
import torch

from fewscape.cli.main import main
from fewscape.core import DatasetError, Policy
from fewscape.datasets.pan_ms import LabelledPair, make_synthetic_pair
from fewscape.evaluation import PairProtocol, evaluate_pair
from fewscape.models import save_model
from fewscape.models.dual_source import DualSource, DualSourceConfig

CPU = Policy.choose("cpu", "float32")


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return DualSource(DualSourceConfig(width=16)).eval()


def make_pair(seed=0, labelled=True, split=False):
    made = make_synthetic_pair(48, seed, fields=30)
    valid = np.ones((48, 48), bool)
    top = valid & (np.arange(48)[:, None] < 24)
    masks = (top, ~top) if split else (None, None)
    return LabelledPair(f"scene{seed}", made.pair, valid, made.labels if labelled else None, *masks)


@pytest.mark.parametrize(
    "protocol",
    [
        PairProtocol("random", 2, 3),
        PairProtocol("given", 2, 3),
        PairProtocol("blocks", 2, 3, block=8, gap=1),
    ],
)
def test_every_split_scores_other_pixels_than_it_shows(network, protocol):
    pair = make_pair(split=True)
    scores = evaluate_pair(network, pair, protocol, CPU)
    confusion = np.array(scores["confusion"])
    assert confusion.sum() == 3 * scores["test_pixels"]
    assert 0 < scores["test_pixels"] < (pair.labels > 0).sum()
    if protocol.split == "given":
        assert scores["test_pixels"] == (pair.labels[24:] > 0).sum()
    assert scores["oa"] == pytest.approx(confusion.trace() / confusion.sum(), abs=1e-9)
    assert scores["oa_ci95"][0] <= scores["oa"] <= scores["oa_ci95"][1]
    assert scores["split"] == protocol.split


def test_supports_of_another_scene(network):
    scores = evaluate_pair(network, make_pair(0), PairProtocol(shots=2), CPU, make_pair(1))
    assert scores["supports"] == "scene1"
    assert scores["split"] == "other scene"
    assert scores["test_pixels"] == (make_pair(0).labels > 0).sum()


def test_chosen_labels_only(network):
    scores = evaluate_pair(
        network, make_pair(), PairProtocol("random", 2, 2, classes=(3, 5, 6)), CPU
    )
    assert scores["classes"] == [3, 5, 6]


@pytest.mark.parametrize(
    ("pair", "protocol", "message"),
    [
        (make_pair(labelled=False), PairProtocol(), "the pair 'scene0' has no labels"),
        (make_pair(), PairProtocol("given"), "has no training and test areas"),
        (make_pair(), PairProtocol("random", 5000), "expected at least 5000"),
        (make_pair(), PairProtocol("blocks", block=48), "use smaller blocks"),
    ],
)
def test_what_cannot_be_scored_is_told(network, pair, protocol, message):
    with pytest.raises(DatasetError, match=message):
        evaluate_pair(network, pair, protocol, CPU)


def test_the_command_writes_scores_and_confusion(tmp_path, network, capsys):
    pair = make_pair()
    (tmp_path / "pairs").mkdir()
    np.savez(
        tmp_path / "pairs" / "city.npz", pan=pair.pair.pan, ms=pair.pair.ms, labels=pair.labels
    )
    names = {"classes": {str(n): f"kind {n}" for n in range(1, 9)}}
    (tmp_path / "pairs" / "classes.json").write_text(json.dumps(names))
    save_model(network, tmp_path / "model", "card")
    words = ["evaluate", "--model", tmp_path / "model", "--pairs", tmp_path / "pairs"]
    more = ["--ground", "random", "--shots", 2, "--draws", 2, "--output", tmp_path / "r.json"]
    assert main([str(word) for word in [*words, *more]]) == 0
    results = json.loads((tmp_path / "r.json").read_text())
    (scores,) = results["pairs"]
    assert scores["pair"] == "city"
    assert f"{100 * scores['oa']:.1f}" in capsys.readouterr().out
    assert (tmp_path / "r_city.png").stat().st_size > 5000
