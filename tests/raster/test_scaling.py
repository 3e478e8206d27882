"""Percentile limits, stretching and the rule for nodata."""

import numpy as np
import pytest

from fewscape.raster.reading.scaling import find_data, find_limits, is_number, stretch


def test_limits_are_those_of_numpy_in_float64():
    values = np.random.default_rng(0).integers(0, 60000, (3, 1000)).astype(np.uint16)
    low, high = find_limits(values)
    assert low.dtype == np.float64
    assert np.array_equal(low, np.percentile(values.astype(np.float64), 2, axis=1))
    assert np.array_equal(high, np.percentile(values.astype(np.float64), 98, axis=1))
    (median,) = find_limits(values[0], 50)
    assert float(median) == np.median(values[0])


def test_stretching_clips_and_survives_a_constant():
    assert stretch(np.array([-1, 0, 5, 20]), 0, 10).tolist() == [0, 0, 0.5, 1]
    assert stretch(np.full(3, 7), 7, 7).tolist() == [0, 0, 0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -3.4e38])
def test_one_band_without_a_number_is_enough(bad):
    bands = np.array([[[1.0, bad]], [[1.0, 1.0]]])
    assert is_number(bands)[0].tolist() == [[True, False]]
    assert find_data(bands, None).tolist() == [[True, False]]


def test_nodata_in_one_band_is_data():
    bands = np.array([[[0, 0, 5]], [[0, 9, 0]]], np.uint8)
    assert find_data(bands, 0).tolist() == [[False, True, True]]
    assert find_data(bands, None).all()
