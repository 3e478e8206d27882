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


@pytest.mark.parametrize("key", ["num_segments", "compactness", "iterations"])
def test_refuses_what_is_not_positive(key):
    with pytest.raises(ConfigError, match=f"slic: {key} is 0; expected more than 0"):
        Slic(**{key: 0})
