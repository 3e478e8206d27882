import numpy as np
import pytest

from fewscape.regions import bound_regions, grey_limits, segment_pan


@pytest.mark.parametrize("content", ["smooth", "noise", "edge"])
def test_the_published_setting_is_a_grid(content):
    """Section 13, test 3: SLIC on 16 x 16 pixels with 110 segments and compactness 10."""
    from skimage.segmentation import slic

    rows, cols = np.mgrid[0:16, 0:16] / 16
    rng = np.random.default_rng(0)
    image = {
        "smooth": 0.5 + 0.5 * np.sin(3 * rows + 2 * cols),
        "noise": rng.random((16, 16)),
        "edge": (cols + 0.3 * rows > 0.6).astype(float),
    }[content]
    found = slic(image, 110, 10, start_label=1, channel_axis=None)
    blocks = np.arange(16) // 2
    assert len(np.unique(found)) == 64
    np.testing.assert_array_equal(found, 8 * blocks[:, None] + blocks + 1)


def test_ours_follow_the_image():
    pan = np.zeros((64, 64))
    pan[:, 29:] = 1000  # an edge beside the grid's line at 32
    found = segment_pan(pan)
    assert 40 <= found.max() + 1 <= 90
    left, right = set(found[:, :29].ravel()), set(found[:, 29:].ravel())
    assert not left & right
    grid = segment_pan(pan, compactness=1e6)
    assert set(grid[:, :29].ravel()) & set(grid[:, 29:].ravel())


def test_limits_ignore_the_brightest_pixels():
    pan = np.arange(10_000, dtype=float)
    pan[-1] = 1e9
    low, high = grey_limits(pan)
    assert (low, high) == pytest.approx((100, 9899), rel=0.01)


def test_wide_regions_are_cut_and_others_stay():
    regions = np.zeros((20, 20), np.int32)
    regions[:4, :4] = 1
    found = bound_regions(regions, 8)
    assert (found[:4, :4] == found[0, 0]).all()
    for number in np.unique(found):
        rows, cols = np.nonzero(found == number)
        assert np.ptp(rows) < 8
        assert np.ptp(cols) < 8
    assert len(np.unique(found)) == 1 + 9
