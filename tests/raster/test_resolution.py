import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS

from fewscape.core import ConfigError, SceneError, Window
from fewscape.raster import Georeference, SceneReader
from fewscape.raster.reading.resolution import mean_pixel, measure_pixel, plan_grid
from tests.raster.rasters import PLACE, UTM, noise, ramp, write_raster

DEGREE = 111_320  # metres of a degree along the equator
TURNED = Affine.translation(5e5, 5e6) @ Affine.rotation(30) @ Affine.scale(0.5, -0.5)


def grid_of(crs, transform, size=(100, 200)):
    return Georeference(*size, transform, CRS.from_string(crs) if crs else None)


@pytest.mark.parametrize(
    ("crs", "transform", "expected"),
    [
        (UTM, PLACE, (0.5, 0.5)),
        (UTM, Affine(2, 0, 5e5, 0, 3, 5e6), (2, 3)),  # south-up
        (UTM, TURNED, (0.5, 0.5)),
        ("EPSG:4326", Affine(1e-5, 0, 8, 0, -1e-5, 60), (0.559, 1.114)),
        ("EPSG:4326", Affine(1e-5, 0, 8, 0, -1e-5, 0), (1.113, 1.106)),
        ("EPSG:3857", Affine(1, 0, 9e5, 0, -1, 8_399_738), (0.5, 0.5)),  # latitude 60
        ("EPSG:2263", Affine(1, 0, 1e6, 0, -1, 2e5), (0.3048, 0.3048)),  # feet
    ],
)
def test_pixels_in_metres(crs, transform, expected):
    assert measure_pixel(grid_of(crs, transform)) == pytest.approx(expected, rel=4e-3)


def test_without_a_reference_system_the_size_is_unknown():
    grid = grid_of(None, Affine(1, 0, 0, 0, 1, 0))
    assert measure_pixel(grid) is None
    assert mean_pixel(grid) is None
    with pytest.raises(SceneError, match=r"'a' has no coordinate reference system.*rio edit-info"):
        plan_grid(grid, 1, "a")


def test_refuses_no_size():
    with pytest.raises(ConfigError, match=r"resolution of 0 m"):
        plan_grid(grid_of(UTM, PLACE), 0, "a")


@pytest.mark.parametrize("transform", [PLACE, TURNED, Affine(0.5, 0, 5e5, 0, 0.5, 5e6)])
@pytest.mark.parametrize("resolution", [0.3, 1, 0.77, 500])
def test_planned_grids_cover_the_same_ground(transform, resolution):
    own = grid_of(UTM, transform)
    grid = plan_grid(own, resolution, "a")
    assert np.allclose(grid.bounds, own.bounds)
    assert grid.width == max(1, round(200 * 0.5 / resolution))
    if resolution < 10:
        assert mean_pixel(grid) == pytest.approx(resolution, rel=0.02)


def test_degrees_become_square_pixels():
    own = grid_of("EPSG:4326", Affine(1e-5, 0, 8, 0, -1e-5, 60))
    grid = plan_grid(own, 1, "a")
    assert measure_pixel(grid) == pytest.approx((1, 1), rel=0.01)
    assert (grid.height, grid.width) == (111, 112)


def test_a_scene_of_nearly_that_resolution_is_left_alone():
    own = grid_of(UTM, PLACE)
    assert plan_grid(own, 0.505, "a") is own


def read(path, resolution=None, **options):
    with SceneReader(path, resolution=resolution, **options) as scene:
        return *scene.read(Window(0, 0, scene.height, scene.width)), scene


def test_coarser_pixels_are_means(tmp_path):
    data = noise(60, 80)
    image, valid, scene = read(write_raster(tmp_path / "a.tif", data), 1)
    blocks = data.reshape(3, 30, 2, 40, 2).mean(axis=(2, 4))
    assert np.abs(image * 255 - blocks).max() <= 0.51
    assert valid.all()
    assert scene.is_resampled
    assert scene.grid.transform.almost_equals(Affine(1, 0, PLACE.c, 0, -1, PLACE.f))
    assert scene.grid.crs == CRS.from_string(UTM)
    assert (scene.own_grid.height, scene.own_grid.width) == (60, 80)


@pytest.mark.parametrize("transform", [PLACE, TURNED, Affine(0.5, 0, 5e5, 0, 0.5, 5e6)])
def test_finer_pixels_lie_between_their_neighbours(tmp_path, transform):
    data = np.zeros((3, 20, 24), np.uint8) + np.arange(24, dtype=np.uint8) * 10
    path = write_raster(tmp_path / "a.tif", data, transform=transform)
    image, valid, _ = read(path, 0.25)
    assert image.shape == (3, 40, 48)
    assert valid.all()
    inner = (np.arange(48) + 0.5) / 2 - 0.5
    assert np.abs(image[0, 5, 2:-2] * 255 - inner[2:-2] * 10).max() <= 1


def test_windows_equal_the_whole(tmp_path):
    path = write_raster(tmp_path / "a.tif", noise(300, 400))
    whole, _, _ = read(path, 0.7)
    with SceneReader(path, resolution=0.7) as scene:
        part, _ = scene.read(Window(31, 77, 100, 120))
    assert np.array_equal(part, whole[:, 31:131, 77:197])


def holed(dtype="uint8"):
    """Value 100 with a hole of 20 x 20 pixels, and a band that is 0 beside it."""
    data = np.full((3, 60, 80), 100, dtype)
    data[:, 20:40, 20:40] = 0
    data[1, :, 60:] = 0
    return data


def write_holed(tmp_path, how):
    hole = np.zeros((60, 80), bool)
    hole[20:40, 20:40] = True
    path = tmp_path / f"{how}.tif"
    if how == "nodata":
        return write_raster(path, holed(), nodata=0), {}
    if how == "told":
        return write_raster(path, holed()), {"nodata": 0}
    if how == "alpha":
        opaque = np.where(hole, 0, 255).astype(np.uint8)[None]
        return write_raster(
            path, np.concatenate([holed(), opaque]), photometric="RGB", alpha="YES"
        ), {}
    if how == "nan":
        data = holed("float32")
        data[:, hole] = np.nan
        return write_raster(path, data), {}
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=how == "internal"):
        write_raster(path, holed())
        with rasterio.open(path, "r+") as dataset:
            dataset.write_mask(~hole)
    return path, {}


@pytest.mark.parametrize("how", ["nodata", "told", "alpha", "internal", "external", "nan"])
@pytest.mark.parametrize("resolution", [1.0, 0.25])
def test_pixels_without_data_stay_out(tmp_path, how, resolution):
    path, options = write_holed(tmp_path, how)
    image, valid, _ = read(path, resolution, scale="none", **options)
    factor = 0.5 / resolution
    hole = np.zeros(valid.shape, bool)
    low, high = int(20 * factor), int(40 * factor)
    hole[low:high, low:high] = True
    assert (valid != ~hole).mean() < 0.01
    inner = np.zeros_like(hole)
    inner[low + 2 : high - 2, low + 2 : high - 2] = True
    assert not valid[inner].any()
    assert valid[:, int(64 * factor) :].all()  # one band of 0 makes no pixel invalid
    if how != "nan":
        values = np.unique(image[0, valid])
        assert np.allclose(values, 100 / 255, atol=1e-6)  # nothing mixed with the hole


def test_percentiles_and_threads(tmp_path):
    path = write_raster(tmp_path / "deep.tif", ramp(80, 90, dtype="uint16") * 30)
    image, valid, scene = read(path, 1)
    assert valid.all()
    assert image.max() == 1
    assert scene.limits[1].max() < 251 * 30
