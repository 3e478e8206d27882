import numpy as np
import pytest

from fewscape.core import DatasetError
from fewscape.datasets import FolderDataset
from fewscape.training.episode_images import skip_images, split_images
from tests.datasets.invented import write_classes, write_dataset, write_pair


def names(dataset):
    return [dataset.image_path(index)[-7:-4] for index in range(len(dataset))]


@pytest.mark.parametrize(("spread", "expected"), [(False, ["008", "009"]), (True, ["002", "007"])])
def test_images_for_validation(tmp_path, spread, expected):
    dataset = FolderDataset(write_dataset(tmp_path / "toy", 10))
    (train,), (val,) = split_images([dataset], 0.2, spread)
    assert names(val) == expected
    assert sorted(names(train) + names(val)) == names(dataset)


@pytest.mark.parametrize("total", [4, 5, 17])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.5])
def test_every_image_is_in_one_part(tmp_path, total, share):
    dataset = FolderDataset(write_dataset(tmp_path / "toy", total))
    (train,), (val,) = split_images([dataset], share, spread=True)
    assert sorted(names(train) + names(val)) == names(dataset)
    assert len(val) == max(2, round(share * total))


def test_too_few_images_are_refused(tmp_path):
    dataset = FolderDataset(write_dataset(tmp_path / "toy", 3))
    with pytest.raises(DatasetError, match="has 3 images; expected at least 4"):
        split_images([dataset], 0.2)


@pytest.mark.parametrize(("least", "left"), [(1, ["000"]), (10, ["000", "001"])])
def test_images_that_show_held_out_classes_are_left_out(tmp_path, least, left):
    folder = tmp_path / "toy"
    write_classes(folder, {0: "ground", 1: "novel"})
    for number, pixels in enumerate((0, 9, 10)):
        labels = np.zeros((8, 8), np.uint8)
        labels.flat[:pixels] = 1
        write_pair(folder, f"{number:03d}", np.zeros((8, 8, 3), np.uint8), labels)
    assert names(skip_images(FolderDataset(folder), [("toy", 1)], least)) == left
