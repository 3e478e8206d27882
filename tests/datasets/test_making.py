from collections import Counter

import numpy as np
import pytest

from fewscape.core import DatasetError
from fewscape.datasets import FolderDataset, ShareLimits
from fewscape.datasets.making import make_manifest
from tests.datasets.invented import write_classes, write_dataset, write_pair

LIMITS = ShareLimits(0.1, 0.8)


def make(*datasets, **options):
    settings = {"episodes": 12, "window": 20, "limits": LIMITS, "leave_out": ["ground"]}
    return make_manifest("test", list(datasets), **(settings | options))


def test_as_many_different_episodes_as_asked_for(tmp_path):
    dataset = FolderDataset(write_dataset(tmp_path / "toy", 6))
    manifest, shortages = make(dataset, shots=3)
    assert not shortages
    assert Counter(e.class_name for e in manifest) == {"red": 12, "blue": 12}
    assert len(set(manifest)) == 24
    assert all(len({crop.image for crop in e.crops}) == 4 for e in manifest)
    queries = Counter((e.class_name, e.query.image) for e in manifest)
    assert set(queries.values()) == {2}  # round the six images
    assert manifest.image_size == (20, 20)


def test_bytes_depend_on_data_and_settings_only(tmp_path):
    first = FolderDataset(write_dataset(tmp_path / "toy", 6))
    other = FolderDataset(write_dataset(tmp_path / "other", 6, seed=1))
    alone, both = make(first)[0], make(other, first)[0]
    assert alone.encode() == make(FolderDataset(tmp_path / "toy"))[0].encode()
    assert alone.encode() != make(first, seed=1)[0].encode()
    assert both.select(datasets=["toy"]).episodes == alone.episodes


def test_reports_what_could_not_be_made(tmp_path):
    folder = tmp_path / "toy"
    write_classes(folder)
    labels = np.zeros((20, 20), np.uint8)
    labels[:10, :10] = 1
    for stem in "abc":
        write_pair(folder, stem, np.zeros((20, 20, 3), np.uint8), labels)
    manifest, shortages = make(FolderDataset(folder))
    assert [(s.class_name, s.images, s.episodes) for s in shortages] == [
        ("red", 3, 6), ("blue", 0, 0),
    ]  # fmt: skip
    assert len(set(manifest)) == len(manifest) == 6  # 3 queries with 2 supports each
    assert [s.episodes for s in make(FolderDataset(folder), shots=3)[1]] == [0, 0]


def test_refuses_data_sets_that_ignore_different_ids(tmp_path):
    write_classes(write_dataset(tmp_path / "a", 2), ignore=254)
    datasets = [FolderDataset(tmp_path / "a"), FolderDataset(write_dataset(tmp_path / "b", 2))]
    with pytest.raises(DatasetError, match="ignore different ids: 254, 255"):
        make(*datasets)
