import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewscape.cli.values import (
    band_names,
    bands,
    counts,
    metres,
    names,
    num_bytes,
    numbers,
    positive,
    shard,
)


@given(st.lists(st.integers(1, 99), min_size=1))
def test_numbers_come_back(given_numbers):
    assert bands(",".join(map(str, given_numbers))) == tuple(given_numbers)
    assert positive(str(given_numbers[0])) == given_numbers[0]


def test_spaces_and_empty_parts_do_not_count():
    assert names(" road, sports court,,water ") == ["road", "sports court", "water"]
    assert bands("3, 2,1") == (3, 2, 1)
    assert band_names("8, red ,B8A") == (8, "red", "B8A")


@pytest.mark.parametrize(
    ("read", "text", "told"),
    [
        (positive, "0", "'0' is not a positive whole number"),
        (positive, "-3", "'-3' is not a positive whole number"),
        (positive, "2.5", "'2.5' is not a positive whole number"),
        (positive, "\N{SUPERSCRIPT TWO}", "is not a positive whole number"),
        (names, " , ", "is not a list of names such as building,car"),
        (bands, "", "'' is not a list of bands such as 3,2,1"),
        (bands, "1,,2", "'1,,2' is not a list of bands"),
        (bands, "0,1,2", "numbered from 1"),
        (bands, "red", "'red' is not a list of bands"),
        (band_names, "0,1,2", "'0,1,2' is not a list of bands"),
        (band_names, "red,,blue", "or red,green,blue"),
        (band_names, "-1,1,1", "is not a list of bands"),
        (metres, "0", "'0' is not a length in metres such as 0.5"),
        (metres, "nan", "'nan' is not a length"),
        (metres, "half", "'half' is not a length"),
    ],
)
def test_bad_text_says_what_was_expected(read, text, told):
    with pytest.raises(argparse.ArgumentTypeError, match=told):
        read(text)


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (counts, "1, 5", (1, 5)),
        (numbers, "0,2", (0, 2)),
        (shard, "3/16", (3, 16)),
        (num_bytes, "2GB", 2_000_000_000),
        (num_bytes, "1.5mb", 1_500_000),
    ],
)
def test_numbers_of_long_runs(read, text, expected):
    assert read(text) == expected


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (counts, "0,1"),
        (counts, "1,,2"),
        (numbers, "-1"),
        (shard, "0/4"),
        (shard, "5/4"),
        (shard, "3"),
        (num_bytes, "2"),
        (num_bytes, "-1GB"),
        (num_bytes, "infGB"),
    ],
)
def test_what_is_no_such_number_is_refused(read, text):
    with pytest.raises(argparse.ArgumentTypeError, match=f"'{text}' is no"):
        read(text)
