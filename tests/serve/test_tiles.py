import io

import numpy as np
import pytest
import rasterio
from PIL import Image

from fewscape.core import ConfigError
from fewscape.raster import Scale, to_source
from fewscape.serve.tiles import SIDE, SceneTiles, build_overviews, has_overviews
from tests.raster.rasters import ramp, write_raster

SIZE = 300, 700


def show(tiles, level, col, row, bands=(1, 2, 3), scale=Scale.AUTO):
    content, kind = tiles.render(level, col, row, bands, scale)
    picture = Image.open(io.BytesIO(content))
    assert Image.MIME[picture.format] == kind
    return np.asarray(picture.convert("RGBA")).transpose(2, 0, 1).astype(int)


def test_the_last_level_shows_pixels_as_they_are(tmp_path):
    data = ramp(*SIZE)
    tiles = SceneTiles(write_raster(tmp_path / "x.tif", data))
    assert tiles.last_level == 2
    corner = show(tiles, 2, 2, 1)  # cut by the scene's lower and right edge
    np.testing.assert_array_equal(corner[:3, :44, :188], data[:, 256:, 512:])
    assert (corner[3, :44, :188] == 255).all()
    assert not corner[3, 44:].any()
    assert not corner[3, :, 188:].any()
    whole = show(tiles, 2, 0, 0)
    assert np.abs(whole[:3] - data[:, :256, :256]).mean() < 8  # JPEG, and the ramp's edges


def test_the_first_level_shows_everything(tmp_path):
    tiles = SceneTiles(write_raster(tmp_path / "x.tif", np.full((3, *SIZE), 90, np.uint8)))
    whole = show(tiles, 0, 0, 0)
    assert (whole[:3, :75, :175] == 90).all()
    assert not whole[3, 75:].any()


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32", "float64"])
def test_any_type_is_stretched_once_for_the_scene(tmp_path, dtype):
    data = (ramp(*SIZE).astype(float) * 100 - 5000 * (dtype != "uint16")).astype(dtype)
    tiles = SceneTiles(write_raster(tmp_path / "x.tif", data))
    low, high = np.percentile(data[0], (2, 98))
    wanted = ((data[0] - low) / (high - low)).clip(0, 1) * 255
    corner = show(tiles, 2, 2, 1)
    assert np.abs(corner[0, :44, :188] - wanted[256:, 512:]).max() < 8


def test_ground_without_data_is_clear(tmp_path):
    data = ramp(*SIZE) + 1
    data[:, 100:200, 100:200] = 0
    tiles = SceneTiles(write_raster(tmp_path / "x.tif", data, nodata=0))
    clear = show(tiles, 2, 0, 0)[3] == 0
    assert clear[100:200, 100:200].all()
    assert clear.sum() == 10_000


def test_bands_are_chosen_and_one_is_grey(tmp_path):
    data = ramp(*SIZE, bands=5)
    tiles = SceneTiles(write_raster(tmp_path / "x.tif", data))
    np.testing.assert_array_equal(
        show(tiles, 2, 2, 1, (5, 1, 4))[:3, :44, :188], data[[4, 0, 3], 256:, 512:]
    )
    grey = show(tiles, 2, 2, 1, (2,))[:3, :44, :188]
    np.testing.assert_array_equal(grey, np.broadcast_to(data[1, 256:, 512:], grey.shape))


def test_reduced_copies_are_built_beside_a_scene(tmp_path):
    (tmp_path / "scenes").mkdir()
    data = np.zeros((3, 2400, 2400), np.uint16)
    data[:, :, 1200:] = 1000
    path = write_raster(tmp_path / "scenes" / "x.tif", data)
    before = path.read_bytes()
    assert not has_overviews(to_source(path))
    reduced = build_overviews(to_source(path), tmp_path / "cache")
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["x.tif"]
    with rasterio.open(reduced) as dataset:
        assert dataset.overviews(1) == [2, 4, 8]
    tiles = SceneTiles(path)
    plain = show(tiles, 1, 0, 0)
    tiles.use_overviews(reduced)
    np.testing.assert_array_equal(show(tiles, 1, 0, 0), plain)
    assert build_overviews(to_source(path), tmp_path / "cache") == reduced


def test_small_scenes_need_no_reduced_copies(tmp_path):
    assert has_overviews(to_source(write_raster(tmp_path / "x.tif", ramp(*SIZE))))


@pytest.mark.parametrize("place", [(3, 0, 0), (-1, 0, 0), (2, 3, 0), (2, 0, 2), (2, -1, 0)])
def test_tiles_outside_are_refused(tmp_path, place):
    tiles = SceneTiles(write_raster(tmp_path / "x.tif", ramp(*SIZE)))
    with pytest.raises(ConfigError, match="there is no"):
        tiles.render(*place, (1, 2, 3), Scale.AUTO)


def test_tiles_have_one_size():
    assert SIDE == 256
