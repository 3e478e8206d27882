import numpy as np
import pytest

from fewscape.raster.writing.colour_words import FAMILIES
from fewscape.raster.writing.palette import (
    APART,
    choose_colours,
    class_colours,
    measure_distances,
    parse_colour,
)

FIRST = {word: shades[0] for words, shades in FAMILIES for word in words.split()}
RED, GREEN, BLUE = 0, 1, 2


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("Water", "water"),
        ("open water bodies", "water"),
        ("LAKES", "lake"),
        ("land (unpaved)", "land"),
        ("bare_ground", "ground"),
        ("built-up", "built"),
        ("Built up area", "built"),
        ("greenHouses", "house"),
        ("cloud shadow", "shadow"),
        ("car park", "road"),
        ("parked cars", "car"),
        ("crop (wheat)", "crop"),
        ("unknown (river)", "river"),
        ("grasses", "grass"),
        ("farm land", "farmland"),
    ],
)
def test_names_call_for_colours(name, word):
    assert choose_colours([name]) == [FIRST[word]]


@pytest.mark.parametrize("name", ["class_1", "non-water", "no roof", "research", "", "broadleaf"])
def test_other_names_have_the_colours_of_always(name):
    assert choose_colours([name]) == class_colours(1)


@pytest.mark.parametrize(
    ("words", "strongest"),
    [
        ("water sea river lake flood", BLUE),
        ("vegetation tree forest grass meadow turf", GREEN),
        ("building roof house built soil sand bare ground land crop field", RED),
    ],
)
def test_families_look_as_expected(words, strongest):
    for word in words.split():
        assert np.argmax(FIRST[word]) == strongest


def test_greys_look_as_expected():
    assert np.ptp(FIRST["road"]) < 10
    assert FIRST["cloud"] == (255, 255, 255)
    assert max(FIRST["shadow"]) < 60


def test_given_colours_win_and_others_keep_away():
    given = {"lake": (230, 75, 53), "other": (1, 1, 1)}
    lake, roof, sea = choose_colours(["lake", "roof", "sea"], given)
    assert lake == (230, 75, 53)
    assert roof != FIRST["roof"]
    assert sea == FIRST["sea"]
    assert measure_distances([roof], [lake]).min() >= APART


@pytest.mark.parametrize("count", [2, 10, 11, 40, 254])
def test_classes_never_come_too_close(count):
    words = list(FIRST)
    named = [f"{words[n % len(words)]} {chr(97 + n // len(words))}x" for n in range(count)]
    for names in (named, [f"class_{n}" for n in range(count)]):
        chosen = choose_colours(names)
        gaps = measure_distances(chosen, chosen) + 1000 * np.eye(count)
        assert gaps.min() >= (APART if count <= 40 else 6)


def test_the_order_of_names_is_kept():
    names = ["road", "x", "water"]
    assert choose_colours(names) == choose_colours(names[::-1])[::-1]
    assert choose_colours([]) == []


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("#ff8000", (255, 128, 0)),
        (" #F80 ", (255, 136, 0)),
        ("1,2,3", (1, 2, 3)),
        ("31,120,180,255", (31, 120, 180)),
        ("DarkOrange", (255, 140, 0)),
        ("reddish", None),
        ("1,2", None),
        ("1,2,300", None),
        ("", None),
        ("#12345", None),
    ],
)
def test_colours_are_written_in_several_ways(text, colour):
    assert parse_colour(text) == colour
