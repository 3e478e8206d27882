from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fewscape.core import SceneError, Window
from fewscape.raster import Scale, SceneReader
from tests.raster.rasters import cut_in_half, noise, ramp, write_raster


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return write_raster(tmp_path_factory.mktemp("scene") / "scene.tif", ramp(37, 53))


@given(st.integers(-20, 40), st.integers(-20, 50), st.integers(1, 60), st.integers(1, 60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_windows_equal_a_padded_scene(scene, row, col, height, width):
    whole = np.pad(ramp(37, 53), ((0, 0), (80, 80), (80, 80)), mode="symmetric") / np.float32(255)
    inside = np.pad(np.ones((37, 53), bool), 80)
    with SceneReader(scene) as reader:
        image, valid = reader.read(Window(row, col, height, width))
    cut = Window(row + 80, col + 80, height, width).slices
    assert image.dtype == np.float32
    assert np.allclose(image, whole[:, *cut])
    assert np.array_equal(valid, inside[cut])


def test_bands_are_picked_in_order_and_may_repeat(scene):
    with SceneReader(scene, bands=(3, 1, 1)) as reader:
        image, _ = reader.read(Window(0, 0, 37, 53))
    assert np.allclose(image * 255, ramp(37, 53)[[2, 0, 0]])


def test_other_types_are_stretched_by_the_whole_scene(tmp_path):
    data = ramp(60, 60, dtype="uint16") * 40
    with SceneReader(write_raster(tmp_path / "deep.tif", data)) as reader:
        low, high = reader.limits
        image, _ = reader.read(Window(10, 10, 8, 8))
    expected = np.percentile(data.reshape(3, -1), (2, 98), axis=1)
    assert np.allclose((low, high), expected)
    stretched = (data - low[:, None, None]) / (high - low)[:, None, None]
    assert np.allclose(image, stretched[:, 10:18, 10:18].clip(0, 1), atol=1e-6)


def test_scale_can_be_chosen(tmp_path):
    path = write_raster(tmp_path / "deep.tif", ramp(20, 20, dtype="uint16") * 40)
    with SceneReader(path, scale=Scale.NONE) as reader:
        image, _ = reader.read(Window(0, 0, 20, 20))
    assert np.allclose(image * 65535, ramp(20, 20).astype(float) * 40, atol=1e-2)
    bytes_path = write_raster(tmp_path / "bytes.tif", ramp(20, 20))
    with SceneReader(bytes_path, scale=Scale.PERCENTILE) as reader:
        image, _ = reader.read(Window(0, 0, 20, 20))
    assert image.min() == 0
    assert image.max() == 1


def test_nan_nodata_and_alpha_make_pixels_invalid(tmp_path):
    floats = ramp(20, 20, dtype="float32")
    floats[1, 4:8, :] = np.nan
    floats[:, 10, 3] = -9999
    path = write_raster(tmp_path / "float.tif", floats, nodata=-9999)
    with SceneReader(path) as reader:
        image, valid = reader.read(Window(0, 0, 20, 20))
    assert not valid[4:8].any()
    assert not valid[10, 3]
    assert valid.sum() == 20 * 20 - 80 - 1
    assert (image[:, ~valid] == 0).all()
    assert np.isfinite(image).all()

    opaque = np.full((1, 20, 20), 255, np.uint8)
    opaque[:, :, 15:] = 0
    rgba = write_raster(
        tmp_path / "rgba.tif",
        np.concatenate([ramp(20, 20), opaque]),
        photometric="RGB",
        alpha="YES",
    )
    with SceneReader(rgba) as reader:
        assert np.array_equal(reader.read(Window(0, 0, 20, 20))[1], opaque[0] > 0)


def test_nodata_can_be_told(tmp_path):
    data = ramp(20, 20) + 1
    data[:, :5] = 0
    with SceneReader(write_raster(tmp_path / "plain.tif", data), nodata=0) as reader:
        _, valid = reader.read(Window(0, 0, 20, 20))
    assert np.array_equal(valid, np.arange(20)[:, None] * np.ones(20) >= 5)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_pictures_without_georeference_are_pixel_grids(tmp_path, suffix):
    with SceneReader(write_raster(tmp_path / f"picture{suffix}", ramp(33, 21))) as reader:
        image, valid = reader.read(Window(0, 0, 33, 21))
        assert reader.grid.is_pixel_grid
        assert reader.grid.bounds == (0, 0, 21, 33)
    assert image.shape == (3, 33, 21)
    assert valid.all()


def test_one_row_and_constant_scenes_can_be_read(tmp_path):
    flat = write_raster(tmp_path / "flat.tif", np.full((3, 1, 50), 700, np.uint16))
    with SceneReader(flat) as reader:
        image, valid = reader.read(Window(0, 0, 16, 16))
    assert np.isfinite(image).all()
    assert valid[0].all()
    assert not valid[1:].any()


def test_overview_is_small_and_in_range(scene):
    with SceneReader(scene) as reader:
        image, valid = reader.read_overview(20)
    assert image.shape == (3, 14, 20)
    assert valid.all()
    assert image.min() >= 0
    assert image.max() <= 1


def test_threads_read_the_same(scene):
    with SceneReader(scene) as reader, ThreadPoolExecutor(4) as pool:
        windows = [Window(row, 0, 8, 53) for row in range(0, 29)] * 3
        together = list(pool.map(lambda window: reader.read(window)[0], windows))
        for window, image in zip(windows, together, strict=True):
            assert np.array_equal(image, reader.read(window)[0])


def test_cache_holds_two_rows_of_windows(tmp_path):
    path = write_raster(tmp_path / "wide.tif", np.zeros((3, 4, 60_000), np.uint8))
    with SceneReader(path) as reader, reader.set_cache(1024):
        held = rasterio.env.getenv()["GDAL_CACHEMAX"]
    assert held == 2 * 60_000 * 1024 * 3


def test_reports_missing_files_and_other_formats(tmp_path):
    with pytest.raises(SceneError, match="does not exist"):
        SceneReader(tmp_path / "absent.tif")
    (tmp_path / "notes.tif").write_text("no raster")
    with pytest.raises(SceneError, match=r"notes\.tif' is damaged or not a raster"):
        SceneReader(tmp_path / "notes.tif")


def test_reports_missing_bands(tmp_path):
    path = write_raster(tmp_path / "pan.tif", ramp(8, 8, bands=1))
    with pytest.raises(SceneError, match=r"has 1 band, but band 2 was requested.*--bands 1,1,1"):
        SceneReader(path)


def test_reports_scenes_without_valid_pixels(tmp_path):
    for dtype in ("uint8", "float32"):
        path = write_raster(tmp_path / f"{dtype}.tif", np.zeros((3, 9, 9), dtype), nodata=0)
        with SceneReader(path) as reader, pytest.raises(SceneError, match="has no valid pixel"):
            reader.read(Window(0, 0, 9, 9))


def test_finds_the_only_valid_pixel(tmp_path):
    data = np.zeros((3, 1500, 1501), np.uint16)
    data[:, 1203, 7] = 5
    path = write_raster(tmp_path / "sparse.tif", data, nodata=0, compress="deflate")
    with SceneReader(path) as reader:
        assert reader.read(Window(1200, 0, 8, 8))[1].sum() == 1


@pytest.mark.parametrize(
    ("name", "options"), [("cut.tif", {"compress": "deflate"}), ("cut.png", {})]
)
def test_reports_truncated_files(tmp_path, name, options):
    path = cut_in_half(write_raster(tmp_path / name, noise(400, 400), **options))
    with pytest.raises(SceneError, match=rf"{name}.*damaged"), SceneReader(path) as reader:
        reader.read(Window(0, 0, 400, 400))


def test_reports_truncated_files_to_threads_and_within_a_larger_cache(tmp_path):
    path = cut_in_half(write_raster(tmp_path / "cut.png", noise(400, 400)))
    whole = Window(0, 0, 400, 400)
    with SceneReader(path) as reader, reader.set_cache(400), ThreadPoolExecutor(1) as pool:
        for read in (reader.read, lambda window: pool.submit(reader.read, window).result()):
            with pytest.raises(SceneError, match="truncated"):
                read(whole)
