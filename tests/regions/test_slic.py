import numpy as np
import pytest

from fewscape.core import ConfigError
from fewscape.regions import Slic
from tests.regions.pictures import make_picture


def test_regions_cover_the_same_ground_whatever_the_size_of_the_image():
    maker = Slic(num_segments=100, compactness=1000)  # near a grid
    assert maker(make_picture((128, 128))).max() + 1 == pytest.approx(25, abs=3)
    assert maker(make_picture((256, 256))).max() + 1 == pytest.approx(100, abs=3)


def test_more_segments_and_more_compactness_change_the_result():
    image = make_picture((96, 96))
    assert Slic(num_segments=400)(image).max() > Slic(num_segments=100)(image).max()
    assert (Slic(compactness=1)(image) != Slic(compactness=50)(image)).any()
    assert (Slic(iterations=1)(image) != Slic(iterations=10)(image)).any()


@pytest.mark.parametrize("size", [(32, 48), (31, 47)])
@pytest.mark.parametrize("bands", [1, 4])
def test_reduction_cuts_up_the_means_of_blocks(size, bands):
    image = make_picture(size, bands=bands)
    rows, cols = -(-size[0] // 2), -(-size[1] // 2)
    means = np.empty((rows, cols, bands), np.uint8)
    edge = np.pad(image, ((0, size[0] % 2), (0, size[1] % 2), (0, 0)), mode="edge")
    for row, col in np.ndindex(rows, cols):
        means[row, col] = edge[2 * row : 2 * row + 2, 2 * col : 2 * col + 2].mean(axis=(0, 1))
    # As many regions of an image of a quarter of the area.
    ids = Slic(num_segments=round(900 * size[0] * size[1] / rows / cols), reduction=1)(means)
    enlarged = ids.repeat(2, axis=0).repeat(2, axis=1)[: size[0], : size[1]]
    assert _same_partition(Slic(num_segments=900, reduction=2)(image), enlarged)


def test_a_reduction_larger_than_the_image_leaves_one_region():
    assert (Slic(reduction=64)(make_picture((16, 24))) == 0).all()


def _same_partition(one, other):
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    return pairs.shape[1] == len(np.unique(one)) == len(np.unique(other))


@pytest.mark.parametrize("key", ["num_segments", "compactness", "iterations", "reduction"])
def test_refuses_what_is_not_positive(key):
    with pytest.raises(ConfigError, match=f"slic: {key} is 0; expected more than 0"):
        Slic(**{key: 0})
