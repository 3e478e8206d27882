import json

import numpy as np
import pytest

from fewscape.core import SceneError
from fewscape.raster import BandStatistics, SceneReader, ValueRanges, find_drift, find_faults
from tests.raster.rasters import noise, ramp, write_raster

SHARES = {"low": 0.02, "median": 0.5, "high": 0.98}
NAMES = ("band 1 red", "band 2 green")


def measure(*bands, has_data=None):
    values = np.stack([np.asarray(band, float) for band in bands])
    found = np.ones(len(bands), bool) if has_data is None else np.array(has_data)
    return BandStatistics.measure(values, found)


def test_numbers_are_those_of_numpy():
    values = np.random.default_rng(0).normal(size=(2, 500))
    found = measure(*values)
    assert np.allclose(
        (found.ranges.low, found.ranges.median, found.ranges.high),
        np.percentile(values, (2, 50, 98), axis=1),
    )
    assert not found.is_constant.any()


def test_bands_that_tell_nothing():
    flat = measure(np.full(9, 7), range(9), has_data=[True, False])
    assert find_faults(NAMES, flat) == [
        "band 1 red has the value 7 everywhere",
        "band 2 green holds no data",
    ]
    assert find_faults(("band 1", "band 1"), measure(np.zeros(9), np.zeros(9))) == [
        "band 1 has the value 0 everywhere"
    ]
    assert find_faults(NAMES, measure(range(9), range(9))) == []


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        (lambda values: values, False),
        (lambda values: values * 1.8, False),
        (lambda values: values * 2.2, True),
        (lambda values: values / 2.2, True),
        (lambda values: values + 40, False),
        (lambda values: values + 60, True),
        (lambda values: values * 0 + 50, True),
    ],
)
def test_drift(other, differs):
    values = np.arange(101.0)
    ours, theirs = measure(values, other(values)), measure(values, values)
    found = find_drift(NAMES, ours.ranges, theirs.ranges, "the scene of the examples")
    assert len(found) == differs
    if differs:
        assert found[0].startswith("band 2 green has values around")
        assert "the scene of the examples around 50 (2 to 98)" in found[0]


def test_two_constant_scenes_of_one_value_do_not_differ():
    ranges = measure([5, 5], [5, 5]).ranges
    assert find_drift(NAMES, ranges, ranges, "others") == []


def test_ranges_travel_as_plain_data_and_in_other_units():
    ranges = measure(range(101), range(0, 202, 2)).ranges
    assert ValueRanges.decode(json.loads(json.dumps(ranges.encode()))).encode() == ranges.encode()
    shares = ranges.rescale(np.array([0.0, 0.0]), np.array([100.0, 200.0]))
    assert shares.encode() == {name: [value, value] for name, value in SHARES.items()}


def test_large_scenes_without_masks_are_measured_in_spots(tmp_path):
    data = noise(1500, 1400)
    data[1] = 9
    with SceneReader(write_raster(tmp_path / "large.tif", data)) as scene:
        found = scene.statistics
    assert np.allclose(found.ranges.median[[0, 2]], 127, atol=3)
    assert found.is_constant.tolist() == [False, True, False]


def test_bands_without_data_are_seen_by_their_own_mask(tmp_path):
    data = ramp(20, 20) + 1
    data[2] = 0
    for nodata in ({"profile": 0}, {"given": 0}):
        profile = {"nodata": nodata["profile"]} if "profile" in nodata else {}
        path = write_raster(tmp_path / "gap.tif", data, **profile)
        with SceneReader(path, nodata=nodata.get("given")) as scene:
            assert scene.statistics.is_empty.tolist() == [False, False, True]


def test_a_band_that_is_nan_everywhere_is_named(tmp_path):
    data = ramp(20, 20, dtype="float32")
    data[1] = np.nan
    with (
        SceneReader(write_raster(tmp_path / "nan.tif", data)) as scene,
        pytest.raises(SceneError, match=r"valid: band 2 has no finite value.*--bands"),
    ):
        _ = scene.limits
