from datetime import UTC, datetime

import numpy as np
import pytest
import rasterio
from affine import Affine

from fewscape.core import SceneError
from fewscape.raster.opening.identity import fingerprint_scene, read_time
from tests.raster.rasters import cut_in_half, noise, ramp, write_raster


def test_compression_and_overviews_change_nothing(tmp_path):
    data = ramp(700, 900)
    plain = fingerprint_scene(write_raster(tmp_path / "a.tif", data))
    path = write_raster(tmp_path / "b.tif", data, compress="deflate", tiled=True)
    assert fingerprint_scene(path) == plain
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2, 4])
    assert fingerprint_scene(path) == plain


def test_pixels_place_and_type_count(tmp_path):
    data = ramp(200, 300)
    other = data.copy()
    other[:, :20] = 7
    found = {
        fingerprint_scene(write_raster(tmp_path / "scene.tif", values, **profile))
        for values, profile in [
            (data, {}),
            (other, {}),
            (data[:, :-1], {}),
            (data[:2], {}),
            (data.astype(np.uint16), {}),
            (data, {"nodata": 0}),
            (data, {"crs": "EPSG:32632"}),
            (data, {"transform": Affine(1, 0, 0, 0, -1, 0)}),
        ]
    }
    assert len(found) == 8


@pytest.mark.parametrize("size", [(1, 1), (5, 400), (16, 16), (17, 33)])
def test_small_scenes_have_one_too(tmp_path, size):
    assert len(fingerprint_scene(write_raster(tmp_path / "scene.tif", ramp(*size)))) == 64


def test_damaged_scenes_are_told(tmp_path):
    path = cut_in_half(write_raster(tmp_path / "scene.tif", noise(300, 300)))
    with pytest.raises(SceneError, match="truncated or damaged"):
        fingerprint_scene(path)
    with pytest.raises(SceneError, match="does not exist"):
        fingerprint_scene(tmp_path / "absent.tif")


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"TIFFTAG_DATETIME": "2020:01:02 03:04:05"}, datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ({"TIFFTAG_DATETIME": "yesterday"}, None),
        ({}, None),
    ],
)
def test_the_time_of_a_scene_comes_from_its_tags(tmp_path, tags, expected):
    path = write_raster(tmp_path / "scene.tif", np.zeros((1, 4, 4), np.uint8))
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(**tags)
    assert read_time(path) == expected
