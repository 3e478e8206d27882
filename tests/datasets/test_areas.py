import json

import numpy as np
import pytest

from fewscape.core import ConfigError, DatasetError, Window
from fewscape.datasets import FolderDataset, choose_areas, image_stem, read_splits, separate_ground
from tests.datasets.invented import write_classes, write_pair


def make(folder, sizes):
    """A data set of images by name and size."""
    write_classes(folder)
    for stem, (height, width) in sizes.items():
        labels = np.zeros((height, width), np.uint8)
        write_pair(folder, stem, np.zeros((height, width, 3), np.uint8), labels)
    return FolderDataset(folder)


def stems(dataset, areas):
    return [image_stem(dataset, area.image) for area in areas]


def test_pieces_of_one_place_stay_together(tmp_path):
    names = [f"tile{tile}_part{part:03d}" for tile in (1, 3, 5) for part in (1, 2, 3)]
    dataset = make(tmp_path / "toy", dict.fromkeys(names, (8, 8)))
    train, val = separate_ground(dataset, 0.1)
    assert stems(dataset, val) == names[6:]
    assert stems(dataset, train) == names[:6]


@pytest.mark.parametrize(("share", "count"), [(0.2, 1), (0.25, 2), (0.4, 2), (0.9, 4)])
def test_the_last_images_have_at_least_the_share(tmp_path, share, count):
    dataset = make(tmp_path / "toy", {f"{number:03d}": (8, 8) for number in range(5)})
    train, val = separate_ground(dataset, share)
    assert (len(train), len(val)) == (5 - count, count)
    assert stems(dataset, train + val) == [f"{number:03d}" for number in range(5)]


def test_large_images_count_for_more(tmp_path):
    dataset = make(tmp_path / "toy", {"000": (4, 4), "001": (4, 4), "002": (40, 40)})
    assert stems(dataset, separate_ground(dataset, 0.5)[1]) == ["002"]


def test_a_single_image_is_cut_below_a_row(tmp_path):
    dataset = make(tmp_path / "toy", {"scene": (50, 20)})
    train, val = separate_ground(dataset, 0.2)
    assert [area.window for area in train] == [Window(0, 0, 40, 20)]
    assert [area.window for area in val] == [Window(40, 0, 10, 20)]


def test_impossible_separations_are_told(tmp_path):
    dataset = make(tmp_path / "toy", {"scene": (1, 20)})
    with pytest.raises(DatasetError, match="one image of one row"):
        separate_ground(dataset, 0.2)
    with pytest.raises(ConfigError, match=r"validation share of 1\.5"):
        separate_ground(dataset, 1.5)


def test_splits_and_patterns_choose_whole_images(tmp_path):
    folder = tmp_path / "toy"
    dataset = make(folder, {"a1": (4, 6), "a2": (4, 6), "b1": (4, 6)})
    (folder / "splits.json").write_text(json.dumps({"val": ["a2"], "test": ["b1", "a1"]}))
    splits = read_splits(folder)
    assert stems(dataset, choose_areas(dataset, ["val"], splits)) == ["a2"]
    assert stems(dataset, choose_areas(dataset, ["test", "val"], splits)) == ["a1", "a2", "b1"]
    assert stems(dataset, choose_areas(dataset, ["a*"], splits)) == ["a1", "a2"]
    assert choose_areas(dataset, ["b1"], splits)[0].window == Window(0, 0, 4, 6)


def test_wrong_names_are_told(tmp_path):
    dataset = make(tmp_path / "toy", {"a1": (4, 4)})
    with pytest.raises(ConfigError, match=r"'tset' is neither a split nor .* did you mean 'test'"):
        choose_areas(dataset, ["tset"], {"test": ["a1"]})
    with pytest.raises(
        DatasetError, match=r"the split 'test' .* names the image 'a9'; .*1 are abs"
    ):
        choose_areas(dataset, ["test"], {"test": ["a1", "a9"]})


@pytest.mark.parametrize("text", ["[1, 2]", '{"val": "a1"}', '{"val": [1]}', "{"])
def test_a_file_that_is_no_table_of_splits_is_told(tmp_path, text):
    (tmp_path / "splits.json").write_text(text)
    with pytest.raises(DatasetError, match=r'expected \{"train"'):
        read_splits(tmp_path)


def test_without_a_file_there_are_no_splits(tmp_path):
    assert read_splits(tmp_path) == {}
