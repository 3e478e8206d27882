import json

import pytest

from fewscape.core import ConfigError
from fewscape.regions import REGION_METHODS, Slic, make_regions


def test_every_method_is_made_by_its_name():
    assert list(REGION_METHODS) == ["slic", "felzenszwalb", "sam", "sam2"]
    for name in REGION_METHODS:
        assert make_regions(name).name == name
    assert make_regions("slic", num_segments=7) == Slic(num_segments=7)


@pytest.mark.parametrize("name", REGION_METHODS)
def test_parameters_are_plain_data(name):
    parameters = make_regions(name).parameters
    assert json.loads(json.dumps(dict(parameters))) == parameters


def test_parameters_tell_what_was_asked():
    given = {"num_segments": 7, "compactness": 3.0, "iterations": 2}
    assert given.items() <= make_regions("slic", **given).parameters.items()


def test_an_unknown_method_suggests_the_nearest():
    with pytest.raises(ConfigError, match="no over-segmentation 'silc'; did you mean 'slic'"):
        make_regions("silc")


def test_an_unknown_parameter_suggests_the_nearest():
    with pytest.raises(ConfigError, match="'slic' has no parameter 'segments'; did you mean 'num_"):
        make_regions("slic", segments=7)
