import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewscape.core import ConfigError, Window
from fewscape.datasets import FolderDataset, ShareLimits, WindowIndex
from fewscape.datasets.windows import count_windows, grid_starts
from tests.datasets.invented import write_classes, write_dataset, write_pair
from tests.reference import windows as reference


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 12))
def test_grid_reaches_both_ends(length, part, step):
    starts = grid_starts(length, part, step)
    if length < part:
        assert not starts.size
    else:
        assert (starts[0], starts[-1]) == (0, length - part)
        assert (np.diff(starts) > 0).all()
        assert (np.diff(starts) <= step).all()


@given(st.data())
def test_counts_are_those_of_each_window(data):
    height, width = data.draw(st.integers(4, 20)), data.draw(st.integers(4, 20))
    size = (data.draw(st.integers(1, height)), data.draw(st.integers(1, width)))
    step = data.draw(st.integers(1, 7))
    codes = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, 3, (height, width))
    rows, cols = grid_starts(height, size[0], step), grid_starts(width, size[1], step)
    np.testing.assert_array_equal(
        count_windows(codes, 3, rows, cols, size),
        reference.count_windows(codes, 3, rows, cols, size),
    )


def test_all_and_only_the_windows_within_the_limits(tmp_path):
    dataset = FolderDataset(write_dataset(tmp_path / "toy", 3))
    limits = ShareLimits(0.1, 0.6)
    index = WindowIndex(dataset, (16, 16), limits, hidden=[2], step=4)
    found = {
        (image, index.window(1, image, number))
        for image in index.images(1)
        for number in range(index.count(1, image))
    }
    expected = set()
    for image in range(3):
        for row in grid_starts(48, 16, 4).tolist():
            for col in grid_starts(48, 16, 4).tolist():
                labels = dataset.read_labels(image, window := Window(row, col, 16, 16))
                if (labels == 1).mean() >= 0.1 and (labels == 0).mean() >= 0.4:
                    expected.add((image, window))
    assert found == expected
    assert found


def test_images_smaller_than_the_window_give_none(tmp_path):
    labels = np.ones((20, 48), np.uint8)
    write_pair(tmp_path / "toy", "a", np.zeros((20, 48, 3), np.uint8), labels)
    write_classes(tmp_path / "toy")
    assert WindowIndex(FolderDataset(tmp_path / "toy"), (32, 32)).images(1) == []


@pytest.mark.parametrize(("low", "high"), [(0, 0.5), (0.6, 0.5), (0.1, 1.1)])
def test_refuses_limits_that_cannot_be(low, high):
    with pytest.raises(ConfigError, match="expected 0 < smallest <= largest <= 1"):
        ShareLimits(low, high)


def test_listed_images_alone_stand_for_a_class(tmp_path):
    dataset = FolderDataset(write_dataset(tmp_path / "toy", 4))
    limits = ShareLimits(0.05, 0.9)
    every = WindowIndex(dataset, (24, 24), limits)
    some = WindowIndex(dataset, (24, 24), limits, listed={1: {"001", "003"}, 2: set()})
    assert every.images(1) == every.images(2) == [0, 1, 2, 3]
    assert some.images(1) == [1, 3]
    assert some.images(2) == []
    assert some.images(0) == every.images(0)
    assert some.count(1, 3) == every.count(1, 3)
