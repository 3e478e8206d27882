import numpy as np
import pytest
from affine import Affine

from fewscape.core import SceneError, Window
from fewscape.raster import PanMsPair, PanMsReader
from tests.conftest import SHARED_DATA
from tests.raster.rasters import PLACE, cut_in_half, write_raster

MS_PLACE = PLACE @ Affine.scale(4)


def write_pair(folder, ms_place=MS_PLACE, height=12, width=10, bands=4, **ms_profile):
    rng = np.random.default_rng(0)
    pan = rng.integers(1, 2000, (1, 4 * height, 4 * width)).astype(np.uint16)
    blocks = pan[0].reshape(height, 4, width, 4).mean(axis=(1, 3))
    ms = np.stack([blocks + 10 * band for band in range(bands)]).astype(np.uint16)
    return (
        write_raster(folder / "pan.tif", pan),
        write_raster(folder / "ms.tif", ms, transform=ms_place, **ms_profile),
    )


def test_windows_of_both_show_the_same_ground(tmp_path):
    with PanMsReader(*write_pair(tmp_path)) as reader:
        assert reader.ratio == 4
        assert (reader.grid.height, reader.grid.width) == (12, 10)
        for window in (None, Window(0, 0, 3, 4), Window(9, 7, 3, 3)):
            pair, valid = reader.read(window)
            height, width = valid.shape
            means = pair.pan.reshape(height, 4, width, 4).mean(axis=(1, 3))
            np.testing.assert_allclose(means, pair.ms[0], atol=1)
            assert valid.all()


def test_bands_come_in_the_order_chosen(tmp_path):
    with PanMsReader(*write_pair(tmp_path, bands=8), bands=(2, 3, 5, 7)) as reader:
        pair, _ = reader.read()
    np.testing.assert_array_equal(pair.ms[3] - pair.ms[0], 50)


def test_a_pixel_is_valid_where_everything_in_it_is(tmp_path):
    pan_path, ms_path = write_pair(tmp_path, nodata=0)
    with PanMsReader(pan_path, ms_path) as reader:
        pair, _ = reader.read()
    ms, pan = np.array(pair.ms), np.array(pair.pan)
    ms[2, 3, 4] = 0
    pan[4 * 5 + 2, 4 * 6 + 1] = 0
    write_raster(pan_path, pan[None], nodata=0)
    write_raster(ms_path, ms, nodata=0, transform=MS_PLACE)
    with PanMsReader(pan_path, ms_path) as reader:
        _, valid = reader.read()
    assert np.argwhere(~valid).tolist() == [[3, 4], [5, 6]]


def test_rasters_without_georeference_go_by_their_sizes(tmp_path):
    rng = np.random.default_rng(0)
    none = {"crs": None, "transform": None}
    pan = write_raster(tmp_path / "pan.tif", rng.integers(0, 9, (1, 8, 8)).astype("u1"), **none)
    ms = write_raster(tmp_path / "ms.tif", rng.integers(0, 9, (4, 4, 4)).astype("u1"), **none)
    with PanMsReader(pan, ms) as reader:
        assert reader.ratio == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"ms_place": PLACE @ Affine.scale(3)},
            r"is 3 panchromatic ones wide; expected a ratio of 2",
        ),
        (
            {"ms_place": MS_PLACE @ Affine.translation(0.2, 0)},
            r"lie 0\.80 panchromatic pixels apart",
        ),
        ({"ms_place": PLACE @ Affine.scale(2)}, r"48 x 40 pixels; expected 2 times the 12 x 10"),
        ({"crs": "EPSG:32632"}, r"lies in EPSG:32631; '.*ms\.tif' lies in EPSG:32632"),
        ({"bands": 3}, r"has 3 bands, 1,2,3,4 were chosen; expected four: blue, green, red"),
    ],
)
def test_what_is_no_pair_is_told(tmp_path, change, message):
    with pytest.raises(SceneError, match=message):
        PanMsReader(*write_pair(tmp_path, **change))


def test_a_small_offset_is_allowed(tmp_path):
    place = MS_PLACE @ Affine.translation(0.1, -0.1)
    PanMsReader(*write_pair(tmp_path, ms_place=place)).close()


def test_swapped_files_are_told(tmp_path):
    pan, ms = write_pair(tmp_path)
    with pytest.raises(
        SceneError, match="has 4 bands; expected one; the two rasters seem to be swapped"
    ):
        PanMsReader(ms, pan)


def test_a_damaged_file_is_told(tmp_path):
    pan, ms = write_pair(tmp_path)
    cut_in_half(pan)
    with PanMsReader(pan, ms) as reader, pytest.raises(SceneError, match="truncated or damaged"):
        reader.read()


@pytest.mark.parametrize(
    ("ms", "pan", "message"),
    [
        ((4, 5, 6), (20, 23), r"20 x 23 pixels; expected 4 times the 5 x 6 .*; crop both"),
        ((4, 20, 24), (5, 6), r"the two images seem to be swapped"),
        ((5, 6), (20, 24), r"a pair of shapes \(5, 6\) and \(20, 24\)"),
    ],
)
def test_images_that_are_no_pair_are_told(ms, pan, message):
    with pytest.raises(SceneError, match=message):
        PanMsPair(np.zeros(ms), np.zeros(pan), 4)


@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="needs real imagery")
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_real_pair_is_aligned(number):
    """Block means of the panchromatic image agree best when moved by a pixel of it at most.

    By less they do not agree: the sensor's two images are that far apart in these products.
    """
    folder = SHARED_DATA / "georef" / "spacenet_rotterdam"
    with PanMsReader(folder / f"pan_0.5m_{number}.tif", folder / f"ms_1.0m_{number}.tif") as reader:
        pair, valid = reader.read()
    ratio = pair.ratio
    height, width = valid.shape
    grey = pair.ms.astype(float).mean(axis=0)
    inner = slice(3, -3)

    def agreement(shift):
        moved = np.roll(pair.pan.astype(float), shift, axis=(0, 1))
        blocks = moved.reshape(height, ratio, width, ratio).mean(axis=(1, 3))
        return np.corrcoef(blocks[inner, inner].ravel(), grey[inner, inner].ravel())[0, 1]

    best = max(((row, col) for row in range(-3, 4) for col in range(-3, 4)), key=agreement)
    assert max(map(abs, best)) <= 1
