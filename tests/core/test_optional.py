import json

import pytest

from fewscape.core import MissingPackageError, require


def test_a_present_package_is_imported():
    assert require("json", "sam") is json


def test_an_absent_package_names_the_extra_and_the_command():
    message = (
        r"the package 'no_such_package' is not installed; it is part of the extra 'sam'; "
        r"run: pip install 'fewscape\[sam\]'"
    )
    with pytest.raises(MissingPackageError, match=message) as raised:
        require("no_such_package", "sam")
    assert isinstance(raised.value.__cause__, ImportError)
