import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from fewscape.cli.main import main
from fewscape.core import ConfigError, DatasetError
from fewscape.datasets import FolderDataset, protocols
from fewscape.datasets.protocol_episodes import make_protocol_manifest
from fewscape.datasets.protocols import PROTOCOLS, find_protocol, novel_classes

SIDE = 64


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Forty tiles in the prepared layout, half of them for training; nine classes each."""
    folder = tmp_path_factory.mktemp("data") / "isaid5i"
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    stems = [f"P{number:04d}" for number in range(40)]
    for stem in stems:
        labels = np.zeros((SIDE, SIDE), np.uint8)
        for place, class_id in enumerate(rng.permutation(np.arange(1, 16))[:9]):
            row, col = 20 * (place // 3), 20 * (place % 3)
            side = 16 if rng.random() < 0.6 else 8
            labels[row : row + side, col : col + side] = class_id
        Image.fromarray(labels).save(folder / "labels" / f"{stem}.png")
        Image.fromarray(rng.integers(0, 255, (SIDE, SIDE, 3), np.uint8)).save(
            folder / "images" / f"{stem}.png"
        )
    names = {str(n): f"class{n}" if n else "background" for n in range(16)}
    (folder / "classes.json").write_text(json.dumps({"classes": names, "ignore": 255}))
    splits = {"train": stems[:20], "val": stems[20:]}
    (folder / "splits.json").write_text(json.dumps(splits))
    return folder.parent


@pytest.fixture
def dataset(root):
    return FolderDataset(root / "isaid5i", root=root)


@pytest.mark.parametrize("fold", [0, 1, 2])
@pytest.mark.parametrize("shots", [1, 2])
def test_p1_tests_every_pair_once(dataset, fold, shots):
    manifest = make_protocol_manifest("isaid5i-p1", dataset, fold, shots)
    novel = range(5 * fold + 1, 5 * fold + 6)
    expected = {
        (class_id, dataset.image_path(index))
        for index in range(20, 40)
        for class_id in novel
        if (dataset.read_labels(index) == class_id).any()
    }
    assert {(each.class_id, each.query.image) for each in manifest} == expected
    assert len(manifest) == len(expected)
    for each in manifest:
        images = [crop.image for crop in each.crops]
        assert len(set(images)) == shots + 1
        for crop in each.crops:
            index = [dataset.image_path(i) for i in range(len(dataset))].index(crop.image)
            assert (dataset.read_labels(index) == each.class_id).any()


def test_small_objects_do_not_count_in_p3(dataset, monkeypatch):
    assert PROTOCOLS["isaid5i-p3"].min_pixels == 2048
    smaller = replace(PROTOCOLS["isaid5i-p3"], min_pixels=100)
    monkeypatch.setattr(protocols, "PROTOCOLS", dict(PROTOCOLS) | {"p3": smaller})
    manifest = make_protocol_manifest("p3", dataset, 1, 1)
    for each in manifest:
        for crop in each.crops:
            labels = dataset.read_labels(int(crop.image[-8:-4]))
            assert (labels == each.class_id).sum() >= 100
    assert len(manifest) < len(make_protocol_manifest("isaid5i-p1", dataset, 1, 1))


def test_the_same_bytes_every_time_and_others_for_another_seed(dataset):
    first, again = (make_protocol_manifest("isaid5i-p1", dataset, 0, 1) for _ in range(2))
    assert first.encode() == again.encode()
    assert first.name == "isaid5i-p1-fold0-1shot-seed0"
    other = make_protocol_manifest("isaid5i-p1", dataset, 0, 1, seed=7)
    assert [each.query for each in other] == [each.query for each in first]
    assert [each.support for each in other] != [each.support for each in first]


def test_drawn_protocols_have_their_number_of_episodes(dataset, monkeypatch):
    fewer = replace(PROTOCOLS["isaid5i-p1-1000"], episodes=20)
    monkeypatch.setattr(protocols, "PROTOCOLS", {"p": fewer})
    manifest = make_protocol_manifest("p", dataset, 0, 1)
    assert len(manifest) == 20
    assert len(manifest.classes) == 5
    drawn = [(each.query, each.support) for each in manifest]
    assert len(set(drawn)) > 15  # a pair that is drawn again has other supports


def test_every_protocol_names_classes_that_differ_between_folds():
    for protocol in PROTOCOLS.values():
        numbers = [number for fold in protocol.folds for number in fold]
        assert len(numbers) == len(set(numbers))
        assert len({len(fold) for fold in protocol.folds}) == 1


def test_what_cannot_be_made_is_told(dataset):
    with pytest.raises(ConfigError, match="did you mean 'dlrsd-a'"):
        find_protocol("dlrsd_a")
    with pytest.raises(ConfigError, match="there is no fold 3; expected 0 to 2"):
        novel_classes(find_protocol("isaid5i-p1"), 3, dataset)
    with pytest.raises(DatasetError, match="20-shot episodes need 21"):
        make_protocol_manifest("isaid5i-p1", dataset, 0, 20)
    with pytest.raises(DatasetError, match="has no class with the id 16"):
        make_protocol_manifest("dlrsd-c-b", dataset, 2, 1)


def test_the_command(root, tmp_path, capsys):
    words = ["episodes", "make", "--protocol", "isaid5i-p1", "--fold", "2", "--root", root]
    assert main([str(word) for word in [*words, "--output", tmp_path / "p1.json"]]) == 0
    told = capsys.readouterr().out
    assert "training tiles that show novel classes are kept" in told
    assert "episodes of 5 classes" in told
