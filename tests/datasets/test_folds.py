import pytest

from fewscape.core import ConfigError
from fewscape.datasets import AERIAL4_FOLDS, AERIAL4_LEAVE_OUT, FolderDataset
from tests.datasets.invented import write_classes, write_dataset


@pytest.fixture
def datasets(tmp_path):
    tables = {"land": {0: "building", 1: "land (unpaved)", 2: "road"},
              "flood": {0: "background", 1: "flood water", 2: "car"}}  # fmt: skip
    made = []
    for name, classes in tables.items():
        write_classes(write_dataset(tmp_path / name, 1), classes)
        made.append(FolderDataset(tmp_path / name))
    return made


def test_concepts_hold_whatever_a_data_set_calls_them(datasets):
    assert AERIAL4_FOLDS.novel(0, datasets) == (("land", 0), ("flood", 2))
    assert AERIAL4_FOLDS.novel(1, datasets) == (("land", 2),)
    assert AERIAL4_FOLDS.novel(2, datasets) == (("land", 1), ("flood", 1))
    assert AERIAL4_FOLDS.names(2) == ("water", "flood water", "ground", "land (unpaved)")


@pytest.mark.parametrize("fold", [0, 1, 2])
def test_base_and_novel_part_the_classes(datasets, fold):
    base, novel = AERIAL4_FOLDS.base(fold, datasets), AERIAL4_FOLDS.novel(fold, datasets)
    everything = {(d.name, i) for d in datasets for i, n in d.classes.items() if n != "background"}
    assert set(base).isdisjoint(novel)
    assert set(base) | set(novel) == everything
    assert not set(AERIAL4_LEAVE_OUT) & set(AERIAL4_FOLDS.concepts)


def test_refuses_a_fold_that_is_not_there(datasets):
    with pytest.raises(ConfigError, match="there is no fold 3; expected 0 to 2"):
        AERIAL4_FOLDS.base(3, datasets)
