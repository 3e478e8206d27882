import warnings

import numpy as np
import pytest

from fewscape.core import ConfigError
from fewscape.regions import Felzenszwalb
from tests.regions.pictures import make_picture


def test_no_region_is_smaller_than_asked():
    regions = Felzenszwalb(scale=10, min_size=30)(make_picture())
    assert np.bincount(regions.ravel()).min() >= 30


def test_a_larger_scale_gives_larger_regions():
    image = make_picture((96, 96))
    fine = Felzenszwalb(scale=1, min_size=5)(image)
    coarse = Felzenszwalb(scale=1000, min_size=5)(image)
    assert fine.max() > coarse.max()


def test_many_bands_are_no_reason_to_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Felzenszwalb()(make_picture(bands=6))


def test_refuses_senseless_numbers():
    with pytest.raises(ConfigError, match="felzenszwalb: scale is -1; expected more than 0"):
        Felzenszwalb(scale=-1)
    with pytest.raises(ConfigError, match="felzenszwalb: min_size is 0; expected more than 0"):
        Felzenszwalb(min_size=0)
    with pytest.raises(ConfigError, match=r"felzenszwalb: sigma is -0.5; expected 0 or more"):
        Felzenszwalb(sigma=-0.5)
