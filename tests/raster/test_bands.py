import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from fewscape.core import SceneError, Window
from fewscape.raster import SceneReader
from tests.raster.rasters import ramp, write_raster


@pytest.fixture
def named(tmp_path):
    path = write_raster(tmp_path / "named.tif", ramp(8, 9, bands=5))
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = ("Blue", " green ", "red", None, "B8")
    return path


def bands_of(path, *bands):
    with SceneReader(path, bands) as reader:
        return reader.bands


def test_names_are_descriptions_in_any_case(named):
    assert bands_of(named, "RED", "Green", "blue") == (3, 2, 1)
    assert bands_of(named, "b8", 1, "b8") == (5, 1, 5)


def test_names_pick_the_values(named):
    with SceneReader(named, ("red", "green", "blue")) as reader:
        image, _ = reader.read(Window(0, 0, 8, 9))
        assert reader.band_names == ("band 3 red", "band 2 green", "band 1 Blue")
    assert np.array_equal(image, ramp(8, 9)[::-1] / np.float32(255))


def test_names_may_be_colour_interpretations(tmp_path):
    path = write_raster(tmp_path / "rgb.png", ramp(8, 9))
    assert bands_of(path, "blue", "green", "red") == (3, 2, 1)
    single = write_raster(tmp_path / "pan.tif", ramp(8, 9, bands=1))
    assert bands_of(single, "gray", "Grey", 1) == (1, 1, 1)


def test_interpretations_of_described_bands_do_not_count(tmp_path):
    path = write_raster(tmp_path / "bgr.tif", ramp(8, 9), photometric="RGB")
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = ("blue", "green", "red")
        assert dataset.colorinterp[0] is ColorInterp.red
    assert bands_of(path, "red", "green", "blue") == (3, 2, 1)
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = ("nir", "green", "red")
    with pytest.raises(SceneError, match="no band named 'blue'"):
        bands_of(path, "blue", 1, 1)


def test_unknown_names_list_what_there_is(named, tmp_path):
    with pytest.raises(SceneError) as failure:
        bands_of(named, "rad", 1, 1)
    told = str(failure.value)
    assert "has no band named 'rad'" in told
    assert "it has 1 Blue, 2 green, 3 red, 4 without a name, 5 B8" in told
    assert "did you mean 'red'?" in told


def test_a_name_of_two_bands_is_ambiguous(tmp_path):
    path = write_raster(tmp_path / "twice.tif", ramp(8, 9))
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = ("nir", "red", "NIR")
    with pytest.raises(SceneError, match=r"has 2 bands named 'nir': 1, 3; expected one"):
        bands_of(path, "nir", 1, 1)
