import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewscape.cli.values import band_names, bands, metres, names, positive


@given(st.lists(st.integers(1, 99), min_size=1))
def test_numbers_come_back(numbers):
    assert bands(",".join(map(str, numbers))) == tuple(numbers)
    assert positive(str(numbers[0])) == numbers[0]


def test_spaces_and_empty_parts_do_not_count():
    assert names(" road, sports court,,water ") == ["road", "sports court", "water"]
    assert bands("3, 2,1") == (3, 2, 1)
    assert band_names("8, red ,B8A") == (8, "red", "B8A")


@pytest.mark.parametrize(
    ("read", "text", "told"),
    [
        (positive, "0", "'0' is no positive whole number"),
        (positive, "-3", "'-3' is no positive whole number"),
        (positive, "2.5", "'2.5' is no positive whole number"),
        (positive, "\N{SUPERSCRIPT TWO}", "is no positive whole number"),
        (names, " , ", "is no list of names such as building,car"),
        (bands, "", "'' is no list of bands such as 3,2,1"),
        (bands, "1,,2", "'1,,2' is no list of bands"),
        (bands, "0,1,2", "numbered from 1"),
        (bands, "red", "'red' is no list of bands"),
        (band_names, "0,1,2", "'0,1,2' is no list of bands"),
        (band_names, "red,,blue", "or red,green,blue"),
        (band_names, "-1,1,1", "is no list of bands"),
        (metres, "0", "'0' is no length in metres such as 0.5"),
        (metres, "nan", "'nan' is no length"),
        (metres, "half", "'half' is no length"),
    ],
)
def test_bad_text_says_what_was_expected(read, text, told):
    with pytest.raises(argparse.ArgumentTypeError, match=told):
        read(text)
