import logging

import pytest
import torch

from fewscape.backbones import make_backbone
from fewscape.core import OutputError
from fewscape.training.feature_cache import FeatureCache
from fewscape.training.feature_files import FileStore, hash_backbone
from tests.training.test_feature_cache import images


def open_cache(folder, backbone, gigabytes=1.0):
    return FeatureCache(backbone, FileStore(folder, backbone, gigabytes))


def count_calls(monkeypatch, backbone):
    seen = []
    original = backbone.extract
    monkeypatch.setattr(backbone, "extract", lambda x: (seen.append(len(x)), original(x))[1])
    return seen


def test_another_process_finds_the_same_maps(tmp_path, monkeypatch):
    backbone = make_backbone("test_resnet")
    batch = images(3)
    first = open_cache(tmp_path, backbone)(batch)
    seen = count_calls(monkeypatch, backbone)
    again = open_cache(tmp_path, backbone)(batch[[2, 0, 1]])
    assert seen == []
    for kept, direct in zip(again, first, strict=True):
        assert torch.equal(kept, direct[[2, 0, 1]])


def test_images_of_several_sizes_live_together(tmp_path, monkeypatch):
    backbone = make_backbone("test_resnet")
    cache = open_cache(tmp_path, backbone)
    batches = [images(2), images(2)[:, :, :32], images(2, seed=1)]
    expected = [cache(batch) for batch in batches]
    seen = count_calls(monkeypatch, backbone)
    cache = open_cache(tmp_path, backbone)
    for batch, maps in zip(batches, expected, strict=True):
        assert all(map(torch.equal, cache(batch), maps))
    assert seen == []


def test_what_a_killed_process_left_half_written_is_not_read(tmp_path, monkeypatch):
    backbone = make_backbone("test_resnet")
    open_cache(tmp_path, backbone)(images(3))
    (maps,) = tmp_path.rglob("*.maps")
    maps.write_bytes(maps.read_bytes()[:-10])
    store = FileStore(tmp_path, backbone, 1.0)
    assert len(store) == 2
    seen = count_calls(monkeypatch, backbone)
    found = FeatureCache(backbone, store)(images(3))
    assert seen == [1]
    for kept, direct in zip(found, backbone(images(3)), strict=True):
        assert torch.allclose(kept, direct, rtol=1e-2, atol=1e-2)


def test_other_weights_have_maps_of_their_own(tmp_path):
    backbone, other = make_backbone("test_resnet"), make_backbone("test_resnet")
    assert hash_backbone(backbone) != hash_backbone(other)
    open_cache(tmp_path, backbone)(images(2))
    assert len(FileStore(tmp_path, other, 1.0)) == 0
    assert len(FileStore(tmp_path, backbone, 1.0)) == 2


def test_nothing_is_written_beyond_the_room(tmp_path):
    backbone = make_backbone("test_resnet")
    record = sum(level[0].numel() * 2 for level in backbone(images(1)))
    store = FileStore(tmp_path, backbone, 2.5 * record / 2**30)
    FeatureCache(backbone, store)(images(4))
    assert len(store) == 2
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.maps")) == 2 * record


def test_a_full_disk_stops_the_writing_and_not_the_training(tmp_path, monkeypatch, caplog):
    backbone = make_backbone("test_resnet")
    store = FileStore(tmp_path, backbone, 1.0)

    def fail(*unused):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fewscape.training.feature_files.Segment.append", fail)
    with caplog.at_level(logging.WARNING):
        maps = FeatureCache(backbone, store)(images(2))
    assert maps[0].shape[0] == 2
    assert "no more maps are cached" in caplog.text
    assert caplog.text.count("No space left") == 1


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"choose another model\.cache_folder"):
        FileStore(tmp_path / "file", make_backbone("test_resnet"), 1.0)
