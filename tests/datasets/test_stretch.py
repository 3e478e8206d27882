import numpy as np
import pytest

from fewscape.core import DatasetError
from fewscape.datasets import Stretch
from fewscape.datasets.stretch import RgbScaler


def test_the_percentiles_become_the_ends():
    image = np.linspace(1000, 3000, 101 * 100).reshape(1, 101, 100).astype("uint16")
    shown = Stretch.fit(image).apply(image)
    assert shown.dtype == np.uint8
    assert (shown.min(), shown.max()) == (0, 255)
    assert np.mean((shown == 0) | (shown == 255)) == pytest.approx(0.04, abs=0.01)


def test_windows_are_scaled_by_the_whole_image():
    image = np.random.default_rng(0).normal(0, 100, (3, 40, 40)).astype("float32")
    scaler = RgbScaler()
    whole = scaler("a", image, lambda: image)
    part = scaler("a", image[:, 5:9, 5:9], lambda: pytest.fail("the stretch is known"))
    np.testing.assert_array_equal(part, whole[:, 5:9, 5:9])


def test_values_that_are_not_finite_do_not_count():
    image = np.ones((2, 10, 10), np.float32)
    image[0, :5], image[0, 0], image[1] = 3, np.nan, np.inf
    shown = Stretch.fit(image).apply(image)
    assert shown[0, 0].max() == 0
    assert (shown[0, 1:5] == 255).all()
    assert (shown[0, 5:] == 0).all()


def test_bytes_stay_as_they_are_and_one_band_becomes_three():
    image = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    shown = RgbScaler()("a", image, lambda: pytest.fail("not needed"))
    np.testing.assert_array_equal(shown, np.repeat(image, 3, axis=0))
    four = np.arange(64, dtype=np.uint8).reshape(4, 4, 4)
    np.testing.assert_array_equal(RgbScaler()("a", four, lambda: four), four[:3])


def test_refuses_two_bands():
    image = np.zeros((2, 4, 4), np.uint8)
    with pytest.raises(DatasetError, match=r"'a' has 2 bands; .*; choose bands"):
        RgbScaler()("a", image, lambda: image)
