import numpy as np
import pytest

from fewscape.core import SceneError, Window
from fewscape.raster import PanMsScene
from fewscape.raster.pan_ms.scene import enlarge
from tests.raster.rasters import write_raster
from tests.raster.test_pan_ms import MS_PLACE, write_pair


def enlarge_slowly(image, ratio):
    """Every fine pixel of a band (h, w) from all coarse ones, by their distance."""
    rows, cols = (np.arange(side) for side in image.shape)
    fine = np.empty((len(rows) * ratio, len(cols) * ratio))
    for row, col in np.ndindex(fine.shape):
        y = np.clip((row + 0.5) / ratio - 0.5, 0, rows[-1])
        x = np.clip((col + 0.5) / ratio - 0.5, 0, cols[-1])
        down, across = np.maximum(0, 1 - abs(rows - y)), np.maximum(0, 1 - abs(cols - x))
        fine[row, col] = down @ image @ across
    return fine


@pytest.mark.parametrize("ratio", [2, 4])
def test_enlarging_is_bilinear(ratio):
    image = np.random.default_rng(0).random((1, 5, 6))
    whole = Window(0, 0, 5 * ratio, 6 * ratio)
    found, valid = enlarge(image, np.ones((5, 6), bool), ratio, whole)
    np.testing.assert_allclose(found[0], enlarge_slowly(image[0], ratio), atol=1e-6)
    assert valid.all()


def test_what_is_not_valid_has_no_say_in_its_neighbours():
    image, valid = np.full((1, 3, 3), 7.0), np.ones((3, 3), bool)
    image[0, 1, 1], valid[1, 1] = np.nan, False
    found, seen = enlarge(image, valid, 4, Window(0, 0, 12, 12))
    assert not seen[4:8, 4:8].any()
    assert seen.sum() == 8 * 16
    np.testing.assert_allclose(found[0, seen], 7, rtol=1e-6)
    assert not found[0, ~seen].any()


def test_bands_of_both_rasters_lie_on_the_panchromatic_grid(tmp_path):
    pan, ms = write_pair(tmp_path, bands=8)
    with PanMsScene(pan, ms, (2, 3, 5, 7)) as scene:
        assert (scene.height, scene.width) == (48, 40)
        assert (scene.own_grid.height, scene.own_grid.width) == (12, 10)
        assert scene.bands == (5, 3, 2, 7, 1, 4, 6, 8, 9)
        told = ("band 5 red", "band 3 green", "band 2 blue", "band 7 near infrared", "band 1")
        assert scene.band_names[:5] == told
        assert scene.band_names[-1] == "panchromatic"
        assert scene.rasters == {"MS": scene.source, "PAN": scene.pan_source}
        image, valid = scene.read(Window(0, 0, 48, 40))
        assert image.shape == (9, 48, 40)
        assert valid.all()
        assert (image.min(), image.max()) == (0, 1)


def test_a_window_is_that_of_the_whole(tmp_path):
    pan, ms = write_pair(tmp_path)
    with PanMsScene(pan, ms) as scene:
        whole, _ = scene.read(Window(0, 0, 48, 40))
        for row, col, height, width in ((0, 0, 5, 3), (7, 10, 9, 13), (33, 30, 15, 10)):
            part, _ = scene.read(Window(row, col, height, width))
            inside = whole[:, row : row + height, col : col + width]
            np.testing.assert_array_equal(part, inside)
        beyond, valid = scene.read(Window(-4, 0, 10, 40))
        assert not valid[:4].any()
        np.testing.assert_array_equal(beyond[:, 4:], whole[:, :6])


def test_ground_without_data_in_either_raster_is_not_valid(tmp_path):
    pan_path, ms_path = write_pair(tmp_path)
    rng = np.random.default_rng(1)
    pan = rng.integers(1, 99, (1, 48, 40)).astype(np.uint16)
    ms = rng.integers(1, 99, (4, 12, 10)).astype(np.uint16)
    pan[0, 20:24, 8:12], ms[:, 2, 5] = 0, 0
    write_raster(pan_path, pan, nodata=0)
    write_raster(ms_path, ms, nodata=0, transform=MS_PLACE)
    with PanMsScene(pan_path, ms_path) as scene:
        image, valid = scene.read(Window(0, 0, 48, 40))
    assert not valid[20:24, 8:12].any()
    assert not valid[8:12, 20:24].any()
    assert (~valid).sum() == 2 * 16
    assert not image[:, ~valid].any()


def test_near_infrared_may_be_missing(tmp_path):
    pan, ms = write_pair(tmp_path, bands=3)
    with PanMsScene(pan, ms, (3, 2, 1)) as scene:
        assert scene.bands == (1, 2, 3, 4)
        assert scene.band_names[:2] == ("band 1 red", "band 2 green")


@pytest.mark.parametrize("bands", [(1, 2), (1, 2, 3, 9), (1, 2, 3, 4, 5)])
def test_other_numbers_of_bands_are_told(tmp_path, bands):
    with pytest.raises(SceneError, match="expected three or four: blue, green, red"):
        PanMsScene(*write_pair(tmp_path, bands=8), bands)


def test_a_pair_without_any_data_is_told(tmp_path):
    pan, ms = write_pair(tmp_path)
    with PanMsScene(pan, ms, nodata=0) as scene:
        assert scene.limits[0].shape == (5,)
    write_raster(pan, np.zeros((1, 48, 40), np.uint16), nodata=0)
    with (
        PanMsScene(pan, ms) as scene,
        pytest.raises(SceneError, match="has no valid pixel"),
    ):
        _ = scene.limits
